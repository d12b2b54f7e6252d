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


ALARMS = """\
vigie: 1
flow: yard
tables: {cameras: [{name: gate, host: 10.0.0.1}, {name: dock, host: 10.0.0.2}]}
zones:
  door: {camera: gate, points: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}
sources:
  video: {rtsp: {each: cameras, url: "rtsp://{host}/s"}}
streams:
  seen:
    from: video
    steps:
      - detect: {model: demo8n, classes: [person]}
      - track: {lost_after: 3s}
      - zones: {loiter: 30s}
  loitering: {from: seen, steps: [only: {phase: loitering, in_zone: door}]}
  entered: {from: seen, steps: [only: {phase: entered, in_zone: door}]}
  crowd: {from: entered, steps: [window: {every: 1min, calculate: [count]}]}
  troubles: {from: video, steps: [only: {metric: [camera_moved, camera_covered]}]}
alarms:
  loiterer: {from: loitering, when: {seen: 2min}, priority: medium, response: Look.}
  intruder:
    from: entered
    when: {seen: 2min}
    armed: {hours: "20:00-06:00"}
    priority: high
    response: Call the guard.
  crowded: {from: crowd, when: {above: 2}, priority: low, response: Open the other door.}
  trouble: {from: troubles, when: {is: on, for: 10s}, priority: medium, response: Set it right.}
  away: {from: video, when: {silent: 30s}, priority: low, response: Check its cable.}
sinks:
  out: {from: alarms, topic: yard.out}
tests:
  - test: who stays at the door by night is an intruder at once, and loiters after half a minute
    start: 2026-01-05T23:00:00
    play:
      - at: 0s
        every: 200ms
        until: 40s
        given: {video: {camera: gate, sees: {class: person, box: [0.2, 0.4, 0.1, 0.4], score: 0.9}}}
      - {at: 2s, expect: {intruder: {gate: unacked}, loiterer: {gate: normal}}}
      - {at: 41s, expect: {loiterer: {gate: unacked}, away: {gate: normal}}}
      - {at: 80s, expect: {away: {gate: unacked}, crowded: {gate: normal}}}
  - test: three at the door by day are many, and no intruders
    start: 2026-01-05T12:00:10
    play:
      - at: 0s
        every: 200ms
        until: 5s
        given:
          video:
            camera: gate
            sees:
              - {class: person, box: [0.2, 0.4, 0.1, 0.4], score: 0.9}
              - {class: person, box: [0.5, 0.4, 0.1, 0.4], score: 0.9}
              - {class: person, box: [0.8, 0.4, 0.1, 0.4], score: 0.9}
      - {at: 60s, given: {video: {camera: gate, sees: []}}}
      - {at: 61s, expect: {intruder: {gate: suppressed}, crowded: {gate: unacked}}}
  - test: of two cameras the one that was turned is told
    play:
      - {at: 0s, given: {video: {subject: gate, metric: camera_moved, value: on}}}
      - {at: 1s, every: 1s, until: 20s, given: {video: {camera: dock, sees: []}}}
      - {at: 21s, expect: {trouble: {gate: unacked, dock: normal}}}
"""


def test_alarms_on_what_cameras_see_and_tell_of_themselves_rise_when_they_should(
    tmp_path: Path,
) -> None:
    path = tmp_path / "yard.yaml"
    path.write_text(ALARMS, encoding="utf-8")
    for command in ("validate", "test"):
        done = CliRunner().invoke(main, [command, str(path)])
        assert done.exit_code == 0, done.output
        assert "warning" not in done.output
        assert "no test raises" not in done.output
