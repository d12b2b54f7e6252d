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
