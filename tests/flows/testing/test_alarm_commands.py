"""What people do with alarms, played by `vigie test`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

HEAD = """\
vigie: 1
flow: store
tables: {freezers: [{subject: f1}, {subject: f2}]}
sources: {s: {topic: s}}
alarms:
  dead: {from: s, when: {silent: 15min}, response: Go.}
  hot: {from: s, only: {metric: temperature}, when: {above: -18 °C}, response: Go. ACK}
sinks: {log: {from: alarms, topic: log}}
tests:
  - test: one
    play:
"""


def given(at: str, value: int, subject: str = "f2") -> str:
    return f"{{at: {at}, given: {{s: {{subject: {subject}, metric: temperature, value: {value} °C}}}}}}"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            [
                "{at: 20min, do: {retire: dead, subject: f2, note: sold, by: ana}}",
                "{at: 20min, expect: {dead: {f1: unacked, f2: normal}, log: [{}, {}, {subject: f2,"
                " change: removed, comment: sold, user: ana, annunciation: end}]}}",
                "{at: 21min, do: restart}", "{at: 2d, expect: {dead: {f2: normal}}}",
                given("3d", -10), "{at: 3d, expect: {hot: {f2: unacked}}}",
                "{at: 4d, expect: {dead: {f2: unacked}}}",
            ],
            id="retire",
        ),
        pytest.param(
            [given("0s", -10), "{at: 1s, do: {retire: hot, subject: f2, note: x}}",
             given("2s", -10), "{at: 2s, expect: {hot: {f2: unacked}}}"],
            id="speaks again",
        ),
        pytest.param(
            [
                given("0s", -10), "{at: 1s, do: {clear: hot, note: defrosted, by: ana}}",
                "{at: 1s, expect: {hot: returned, log: [{}, {change: returned, user: ana,"
                " comment: defrosted, annunciation: end}]}}",
                "{at: 2s, do: {ack: hot}, expect: {hot: normal}}",
                "{at: 3s, do: {clear: hot, note: again, refused: not_active}}",
                given("4s", -10), "{at: 4s, expect: {hot: unacked}}",
            ],
            id="clear by hand",
        ),
        pytest.param(
            [
                given("0s", -10), "{at: 1s, expect: {hot: unacked}}", given("2s", -20),
                "{at: 2s, expect: {hot: normal, log: [{}, {change: cleared, annunciation: end}]}}",
                given("3s", -10), "{at: 3s, do: {ack: hot}, expect: {hot: acked}}",
            ],
            id="acknowledged or not",
        ),
    ],
)  # fmt: skip
def test_people_end_what_no_sensor_ends(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "store.yaml"
    ack = ", ack: optional" if "cleared" in "".join(lines) else ""
    path.write_text(HEAD.replace(" ACK", ack) + "".join(f"      - {line}\n" for line in lines))

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 0, result.output
