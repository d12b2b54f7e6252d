"""What a camera tells of itself, as alarms and tests of definitions use it."""

from pathlib import Path

from click.testing import CliRunner

from flows.cli import main

DEFINITION = """\
vigie: 1
flow: yard
sources:
  cameras: {topic: {name: vigie.cameras, table: true}}
  video: {rtsp: {each: cameras, url: "{url}"}}
streams:
  covered:
    from: video
    steps: [only: {metric: camera_covered}]
alarms:
  camera_covered:
    from: covered
    when: {is: on, for: 30s}
    priority: medium
    response: Look whether somebody covered the camera.
sinks:
  log: {from: [alarms, video], topic: yard.out}
tests:
  - test: a covered camera is told
    play:
      - {at: 0s, given: {video: {subject: gate, metric: camera_covered, value: on}}}
      - {at: 31s, expect: {camera_covered: {gate: unacked}}}
      - {at: 40s, given: {video: {subject: gate, metric: camera_covered, value: off}}}
      - {at: 42s, expect: {camera_covered: {gate: returned}}}
"""


def _written(folder: Path) -> str:
    path = folder / "yard.yaml"
    path.write_text(DEFINITION, encoding="utf-8")
    return str(path)


def test_cameras_of_a_live_table_and_an_alarm_on_a_covered_one_are_valid(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["validate", _written(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "warning" not in done.output


def test_a_definition_may_test_an_alarm_on_a_covered_camera(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["test", _written(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "1 passed" in done.output


DRAWN = """\
vigie: 1
flow: yard
sources:
  cameras: {topic: {name: vigie.cameras, table: true}}
  video: {rtsp: {each: cameras, url: "{url}"}}
streams:
  people:
    from: video
    steps:
      - detect: {model: demo8n, classes: [person]}
      - track: 3s
      - zones: {only: hall}
      - only: {in_zone: hall, phase: entered}
sinks:
  out: {from: people, topic: yard.out}
tests:
  - test: somebody stands where a zone is drawn while the flow runs
    play:
      - at: 0s
        every: 200ms
        until: 2s
        given: {video: {camera: gate, sees: {class: person, box: [0.4, 0.4, 0.1, 0.4], score: 0.9}}}
      - at: 2.1s
        given:
          cameras: {id: gate, zones: {hall: {points: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}}}
        expect: {people: nothing}
      - at: 2.2s
        every: 200ms
        until: 4s
        given: {video: {camera: gate, sees: {class: person, box: [0.4, 0.4, 0.1, 0.4], score: 0.9}}}
      - {at: 5s, expect: {people: {camera: gate, in_zone: hall}}}
"""


def test_a_zone_that_people_draw_counts_in_the_flow_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "yard.yaml"
    path.write_text(DRAWN, encoding="utf-8")
    for command in ("validate", "test"):
        done = CliRunner().invoke(main, [command, str(path)])
        assert done.exit_code == 0, done.output
