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


def play(tmp_path: Path, head: str, lines: list[str]) -> None:
    path = tmp_path / "store.yaml"
    path.write_text(head + "".join(f"      - {line}\n" for line in lines))
    result = CliRunner().invoke(main, ["test", str(path)])
    assert result.exit_code == 0, result.output


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
    play(tmp_path, HEAD.replace("ROWS", rows), lines)


def hider(state: str, site: str) -> str:
    return f"{{subject: north, metric: link, value: {state}, labels: {{gateway: {site}}}}}"


@pytest.mark.parametrize("more", ["", ", page: {column: gateway, default: a}"], ids=["", "page"])
@pytest.mark.parametrize("late", ["", "{at: 25s, do: restart}"], ids=["", "restarted"])
def test_an_alarm_whose_label_changes_hides_what_has_its_label_now(
    tmp_path: Path, more: str, late: str
) -> None:
    lines = [
        given("0s", warm("x", 35, "a"), warm("y", 35, "b")), given("10s", hider("off", "a")),
        "{at: 10s, expect: {hot: {x: suppressed, y: unacked}}}", given("20s", hider("off", "b")),
        *([late] if late else []), "{at: 30s, expect: {hot: {x: unacked, y: suppressed}}}",
        given("40s", hider("on", "b")), "{at: 40s, expect: {hot: {x: unacked, y: unacked}}}",
        given("50s", hider("on", "a")), "{at: 50s, expect: {hot: {x: unacked, y: unacked}}}",
    ]  # fmt: skip
    head = HEAD.replace("ROWS", "{subject: t0}").replace("is: off}", f"is: off}}{more}")
    pages = "pages: {a: {title: A, owner: user/a}, b: {title: B, owner: user/a}}\n"
    play(tmp_path, head.replace("tables:", f"{pages}tables:"), lines)


def test_an_alarm_whose_limit_and_label_change_together_is_hidden_by_what_its_label_names(
    tmp_path: Path,
) -> None:
    def said(gateway: str, most: int, value: int) -> str:
        labels = f"labels: {{gateway: {gateway}, most: {most} °C}}"
        return f"{{subject: x, metric: temperature, value: {value} °C, {labels}}}"

    lines = [
        given("0s", link("off"), said("south", 30, 35)), "{at: 1s, expect: {hot: {x: unacked}}}",
        given("2s", said("north", 31, 35)), "{at: 2s, expect: {hot: {x: suppressed}}}",
        given("3s", said("south", 32, 36)), "{at: 3s, expect: {hot: {x: unacked}}}",
    ]  # fmt: skip
    head = HEAD.replace("ROWS", "{subject: t0}").replace("above: 30 °C", "above: {column: most}")
    play(tmp_path, head, lines)


def test_a_column_that_nothing_has_and_a_circle_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "store.yaml"
    text = HEAD.replace("ROWS", ROWS).replace("match: gateway", "match: gatway")
    circle = "when: {is: off}, suppressed_by: [{alarm: hot, match: gateway}], response"
    path.write_text(text.partition("tests:")[0].replace("when: {is: off}, response", circle))

    result = CliRunner().invoke(main, ["validate", str(path)])

    assert result.exit_code == 1
    assert "has a column 'gatway'" in result.output
    assert "alarms suppress each other in a circle" in result.output
