"""One gateway that is down hides its sensors: `suppressed_by` with a match."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

HEAD = """\
vigie: 1
flow: store
tables:
  sensors: [ROWS]
sources: {s: {topic: s}}
alarms:
  gateway_down: {from: s, only: {metric: link}, when: {is: off}, response: Go.}
  hot:
    from: s
    only: {metric: temperature}
    when: {above: 30 °C}
    suppressed_by: [{alarm: gateway_down, match: gateway}]
    response: Go.
sinks: {log: {from: hot, topic: log}}
tests:
  - test: one
    play:
"""
ROWS = ", ".join(f"{{subject: t{n}, gateway: {'north' if n < 40 else 'south'}}}" for n in range(41))


def link(state: str, subject: str = "north") -> str:
    return f"{{subject: {subject}, metric: link, value: {state}}}"


def warm(subject: str, value: int = 35, gateway: str = "") -> str:
    labels = f", labels: {{gateway: {gateway}}}" if gateway else ""
    return f"{{subject: {subject}, metric: temperature, value: {value} °C{labels}}}"


def given(at: str, *events: str) -> str:
    return f"{{at: {at}, given: {{s: [{', '.join(events)}]}}}}"


ALL = [warm(f"t{n}") for n in range(41)]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        pytest.param(
            ROWS,
            [
                given("0s", link("off")), given("1s", *ALL),
                "{at: 1s, expect: {hot: {t0: suppressed, t39: suppressed, t40: unacked}}}",
                "{at: 2s, do: restart}", given("3s", link("off", "south")),
                "{at: 3s, expect: {hot: {t40: suppressed}, log: {count: 82}}}",
                given("4s", link("on")), "{at: 4s, expect: {hot: {t0: unacked, t40: suppressed}}}",
                "{at: 5s, do: {out_of_service: gateway_down, subject: south, note: repair}}",
                "{at: 6s, expect: {hot: {t40: unacked}}}",
            ],
            id="a column of a table",
        ),
        pytest.param(
            "{subject: t0}",
            [
                given("0s", link("off"), warm("x", 35, "north"), warm("y", 20, "south")),
                "{at: 1s, expect: {hot: {x: suppressed, y: normal}}}",
                given("2s", warm("y", 35, "north")), "{at: 2s, expect: {hot: {y: suppressed}}}",
                given("3s", warm("x", 35, "south")), "{at: 3s, expect: {hot: {x: unacked}}}",
            ],
            id="a label that changes",
        ),
    ],
)  # fmt: skip
def test_a_gateway_that_is_down_hides_its_sensors(
    tmp_path: Path, rows: str, lines: list[str]
) -> None:
    path = tmp_path / "store.yaml"
    path.write_text(HEAD.replace("ROWS", rows) + "".join(f"      - {line}\n" for line in lines))

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 0, result.output


def test_a_column_that_nothing_has_and_a_circle_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "store.yaml"
    text = HEAD.replace("ROWS", ROWS).replace("match: gateway", "match: gatway")
    circle = "when: {is: off}, suppressed_by: [{alarm: hot, match: gateway}], response"
    path.write_text(text.partition("tests:")[0].replace("when: {is: off}, response", circle))

    result = CliRunner().invoke(main, ["validate", str(path)])

    assert result.exit_code == 1
    assert "has a column 'gatway'" in result.output
    assert "alarms suppress each other in a circle" in result.output
