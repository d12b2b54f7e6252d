"""`do: {restart: FILE}`: a definition is edited while its alarms stand."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

HEAD = """\
vigie: 1
flow: store
pages:
  one: {title: One, owner: user/a}
  two: {title: Two, owner: user/a}
tables: {freezers: [TABLE]}
sources: {s: {topic: s}}
streams:
  r: {from: s, steps: [only: {metric: [temperature, power, key]}]}
  key: {from: r, steps: [only: {metric: key}]}
alarms:
"""
TAIL = "sinks: {log: {from: alarms, topic: log}}\n"
HOT = "from: r, only: {metric: temperature}, when: {above: 30 °C}, response: Go."
LOST = "{from: r, only: {metric: power}, when: {is: off}, response: Go.}"


def warm(value: int, subject: str = "x") -> str:
    return f"{{subject: {subject}, metric: temperature, value: {value} °C}}"


def given(at: str, *events: str) -> str:
    return f"{{at: {at}, given: {{s: [{', '.join(events)}]}}}}"


POWER_OFF = "{subject: x, metric: power, value: off}"
POWER_ON = "{subject: x, metric: power, value: on}"
KEY_OFF = "{subject: x, metric: key, value: off}"
BOTH = "{subject: f1}, {subject: f2}"
EDIT = "{at: 1min, do: {restart: after.yaml}}"


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        pytest.param(
            f"lost: {LOST}, hot: {{{HOT}, suppressed_by: [lost], suppress_hold: 1h}}",
            f"lost: {LOST}, hot: {{{HOT}}}",
            [
                given("0s", POWER_OFF, warm(35)), "{at: 1s, expect: {hot: suppressed}}", EDIT,
                "{at: 1min, expect: {hot: unacked, log: [{}, {}, {}, {change: rule_changed},"
                " {change: unsuppressed, annunciation: start}]}}",
            ],
            id="hiding alarm taken out",
        ),
        pytest.param(
            f"lost: {LOST}, hot: {{{HOT}}}", f"lost: {LOST}, hot: {{{HOT}, suppressed_by: [lost]}}",
            [given("0s", POWER_OFF, warm(35)), EDIT, "{at: 1min, expect: {hot: suppressed}}"],
            id="hiding alarm added while it stands",
        ),
        pytest.param(
            f"lost: {LOST}", f"lost: {LOST}, hot: {{{HOT}, suppressed_by: [lost]}}",
            [given("0s", POWER_OFF), EDIT, given("2min", warm(35)),
             "{at: 2min, expect: {hot: suppressed}}"],
            id="alarm added while what hides it stands",
        ),
        pytest.param(
            f"lost: {LOST}, hot: {{{HOT}, suppressed_by: [lost]}}",
            f"gone: {{was: lost, {LOST[1:-1]}}}, hot: {{{HOT}, suppressed_by: [gone]}}",
            [
                given("0s", POWER_OFF, warm(35)), EDIT,
                "{at: 1min, expect: {gone: unacked, hot: suppressed}}",
                "{at: 2min, do: restart, expect: {hot: suppressed}}",
                given("3min", POWER_ON, warm(36)),
                "{at: 3min, expect: {gone: returned, hot: unacked}}",
            ],
            id="hiding alarm renamed",
        ),
        pytest.param(
            f"lost: {LOST}, hot: {{{HOT}, suppressed_by: [lost]}}", f"hot: {{{HOT}}}",
            [
                given("0s", POWER_OFF, warm(35)), "{at: 1s, expect: {log: {count: 3}}}", EDIT,
                "{at: 1min, expect: {hot: unacked, log: [{alarm: lost, change: removed, state:"
                " normal, annunciation: end}, {alarm: hot}, {alarm: hot}]}}",
            ],
            id="hiding alarm dropped",
        ),
        pytest.param(
            f"hot: {{{HOT}, armed: {{while: key}}}}", f"hot: {{{HOT}}}",
            [given("0s", KEY_OFF, warm(35)), EDIT, "{at: 1min, expect: {hot: unacked}}"],
            id="no longer armed by a stream",
        ),
        pytest.param(
            f"hot: {{{HOT}}}", f"hot: {{{HOT}, armed: {{hours: 20:00-21:00}}}}",
            [
                given("0s", warm(35)), EDIT, "{at: 1min, expect: {hot: suppressed}}",
                "{at: 8h, expect: {hot: unacked}}",
            ],
            id="armed by hours",
        ),
        pytest.param(
            "dead: {from: r, when: {silent: 15min}, response: Go.}", None,
            [
                "{at: 19min, expect: {dead: {f2: unacked}}}",
                "{at: 20min, do: {restart: after.yaml}, expect: {dead: {f1: unacked, f2: normal}}}",
                given("10d", warm(1, "f2")), "{at: 11d, expect: {dead: {f2: unacked}}}",
            ],
            id="row of the inventory taken out",
        ),
        pytest.param(
            f"hot: {{{HOT}}}", f"hot: {{{HOT.replace('only: {', 'only: {subject: y, ')}}}",
            [
                given("0s", warm(35)), EDIT, "{at: 1min, expect: {hot: {x: returned}}}",
                "{at: 2min, do: {ack: hot, subject: x}, expect: {hot: {x: normal}}}",
                given("3min", warm(35)), "{at: 3min, expect: {hot: {x: normal}}}",
            ],
            id="subject no longer watched",
        ),
        pytest.param(
            f"hot: {{{HOT}, page: one}}", f"hot: {{{HOT}, page: two}}",
            [
                given("0s", warm(35)), "{at: 1s, expect: {log: {page: one}}}", EDIT,
                "{at: 1min, expect: {log: [{change: removed, page: one, annunciation: end},"
                " {change: rule_changed, page: two, annunciation: start, state: unacked}]}}",
            ],
            id="moved to another page",
        ),
        pytest.param(
            f"hot: {{{HOT}}}", f"hot: {{{HOT}, repeat: 10min}}",
            [
                given("0s", warm(35)), "{at: 1s, do: {ack: hot}}", EDIT,
                "{at: 10min, expect: {hot: acked}}", "{at: 11min, expect: {hot: unacked}}",
            ],
            id="repeated",
        ),
        pytest.param(
            f"hot: {{{HOT}, latch: true}}", f"hot: {{{HOT}}}",
            [
                given("0s", warm(35)), "{at: 1s, do: {ack: hot}}", given("2s", warm(20)),
                "{at: 3s, expect: {hot: returned}}", EDIT, "{at: 1min, expect: {hot: normal}}",
            ],
            id="latched no longer",
        ),
        pytest.param(
            f"hot: {{{HOT}}}", f"hot: {{{HOT}, latch: true}}",
            [
                given("0s", warm(35)), "{at: 1s, do: {ack: hot}}", EDIT, given("2min", warm(20)),
                "{at: 3min, expect: {hot: returned}}",
            ],
            id="latched",
        ),
        pytest.param(
            "dead: {from: r, when: {silent: 5min}, response: Go.}",
            "dead: {from: r, when: {silent: 2h}, response: Go.}",
            [
                given("0s", warm(20)), "{at: 5min30s, expect: {dead: {x: unacked}}}",
                "{at: 6min, do: {restart: after.yaml}, expect: {dead: {x: returned}}}",
                "{at: 3h, expect: {dead: {x: unacked}}}",
            ],
            id="may be silent for longer",
        ),
        pytest.param(
            f"hot: {{{HOT}}}", f"hot: {{{HOT.replace('above: 30', 'below: 40')}}}",
            [given("0s", warm(20)), EDIT, "{at: 1min, expect: {hot: unacked}}"],
            id="another kind of condition",
        ),
    ],
)  # fmt: skip
def test_an_edit_acts_on_what_stands(
    tmp_path: Path, before: str, after: str | None, lines: list[str]
) -> None:
    def write(name: str, alarms: str, rows: str, more: str = "") -> Path:
        path = tmp_path / name
        path.write_text(f"{HEAD.replace('TABLE', rows)}  {{{alarms}}}\n{TAIL}{more}")
        return path

    write("after.yaml", before if after is None else after, "{subject: f1}" if not after else BOTH)
    play = "".join(f"      - {line}\n" for line in lines)
    path = write("before.yaml", before, BOTH, f"tests:\n  - test: edit\n    play:\n{play}")

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        pytest.param(
            "[only: {metric: temperature}]", "[only: {metric: temperature, subject: y}]",
            ["{at: 1min, expect: {hot: {x: returned}, dead: {x: normal}}}"],
            id="only",
        ),
        pytest.param(
            "[only: {metric: temperature}]", "[only: {metric: temperature}, drop: {subject: x}]",
            ["{at: 1min, expect: {hot: {x: returned}, dead: {x: normal}}}"],
            id="drop",
        ),
        pytest.param(
            "[label: {floor: '1'}]", "[label: {floor: '1'}, only: {label: {floor: '2'}}]",
            ["{at: 1min, expect: {hot: {x: returned}}}"],
            id="by a label",
        ),
        pytest.param(
            "[only: {metric: temperature}]",
            "[drop: {value: {above: 30}}, deduplicate: 10s, only: {subject: [x, y]}]",
            ["{at: 1min, expect: {hot: {x: unacked}}}"],
            id="by what may be otherwise next time",
        ),
    ],
)  # fmt: skip
def test_what_comes_no_longer_ends(
    tmp_path: Path, before: str, after: str, lines: list[str]
) -> None:
    alarms = f"  hot: {{{HOT}}}\n  dead: {{from: r, when: {{silent: 15min}}, response: Go.}}\n"
    head = HEAD.replace("TABLE", "{subject: f1}")
    head = head.replace("  key: {from: r, steps: [only: {metric: key}]}\n", "")
    steps = "steps: [only: {metric: [temperature, power, key]}]"
    play = "".join(f"      - {line}\n" for line in [given("0s", warm(35)), EDIT, *lines])
    for name, some in (("before", before), ("after", after)):
        text = head.replace(steps, f"steps: {some}") + alarms + TAIL
        tests = f"tests:\n  - test: edit\n    play:\n{play}" if name == "before" else ""
        (tmp_path / f"{name}.yaml").write_text(text + tests)

    result = CliRunner().invoke(main, ["test", str(tmp_path / "before.yaml")])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("more", ["", ", unacknowledged: 30s"])
def test_an_alarm_that_is_dropped_ends_also_where_only_others_are_read_by_name(
    tmp_path: Path, more: str
) -> None:
    head = HEAD.replace("TABLE", "{subject: f1}")
    told = "  told: {from: READ, steps: [notify: {wait: 5s, repeat: 10min" + more + "}]}\nalarms:\n"
    tail = "sinks: {log: {from: told, topic: log}}\n"
    before = head.replace("alarms:\n", told.replace("READ", "[hot, lost]"))
    after = head.replace("alarms:\n", told.replace("READ", "[lost]"))
    play = [
        given("0s", warm(35)), "{at: 50s, expect: {log: [{data: {what: first, count: 1}}]}}", EDIT,
        "{at: 9min, expect: {log: [{data: {what: update, count: 0}}]}}",
        "{at: 3h, expect: {log: []}}",
    ]  # fmt: skip
    tests = "tests:\n  - test: edit\n    play:\n" + "".join(f"      - {line}\n" for line in play)
    (tmp_path / "before.yaml").write_text(
        f"{before}  hot: {{{HOT}}}\n  lost: {LOST}\n{tail}{tests}"
    )
    (tmp_path / "after.yaml").write_text(f"{after}  lost: {LOST}\n{tail}")

    result = CliRunner().invoke(main, ["test", str(tmp_path / "before.yaml")])

    assert result.exit_code == 0, result.output


NARROWED = [
    pytest.param("[hot, lost]", "", "[lost]", "", id="by name"),
    pytest.param("alarms", "", "alarms", "only: {alarm: lost}", id="only"),
    pytest.param("alarms", "", "alarms", "only: {subject: y}", id="subject"),
    pytest.param("alarms", "", "alarms", "only: {priority: critical}", id="priority"),
    pytest.param("alarms", "label: {floor: '1'}", "alarms", "drop: {alarm: hot}", id="drop"),
]


@pytest.mark.parametrize("unacknowledged", [False, True])
@pytest.mark.parametrize(("read", "above", "now_read", "now_above"), NARROWED)
def test_an_alarm_that_notify_reads_no_longer_leaves_its_group(
    tmp_path: Path, read: str, above: str, now_read: str, now_above: str, unacknowledged: bool
) -> None:
    more = ", unacknowledged: 30s" if unacknowledged else ""
    notify = f"notify: {{wait: 5s, interval: 1min, repeat: 10min{more}}}"
    head = HEAD.replace("TABLE", "{subject: f1}")

    def write(name: str, read: str, above: str, tests: str = "") -> Path:
        steps = ", ".join(filter(None, (above, notify)))
        told = f"  told: {{from: {read}, steps: [{steps}]}}\nalarms:\n"
        lost = f"  lost: {LOST[:-1]}, priority: critical}}\n"
        alarms = f"  hot: {{{HOT}}}\n{lost}sinks: {{log: {{from: told, topic: log}}}}\n"
        path = tmp_path / name
        path.write_text(head.replace("alarms:\n", told) + alarms + tests)
        return path

    play = [
        given("0s", warm(35)), "{at: 50s, expect: {log: [{data: {what: first, count: 1}}]}}", EDIT,
        "{at: 9min, expect: {log: [{data: {what: update, count: 0}}]}}",
        "{at: 3h, expect: {hot: unacked, log: []}}",
    ]  # fmt: skip
    tests = "tests:\n  - test: edit\n    play:\n" + "".join(f"      - {line}\n" for line in play)
    write("after.yaml", now_read, now_above)
    path = write("before.yaml", read, above, tests)

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 0, result.output


def test_alarms_that_stand_are_in_the_groups_of_the_new_by(tmp_path: Path) -> None:
    head = HEAD.replace("TABLE", "{subject: f1}")

    def write(name: str, by: str, tests: str = "") -> Path:
        told = f"  told: {{from: alarms, steps: [notify: {{by: {by}, wait: 5s, repeat: 10min}}]}}\n"
        alarms = f"  hot: {{{HOT}}}\nsinks: {{log: {{from: told, topic: log}}}}\n"
        path = tmp_path / name
        path.write_text(head.replace("alarms:\n", told + "alarms:\n") + alarms + tests)
        return path

    play = [
        given("0s", warm(35)), "{at: 50s, expect: {log: [{subject: x}]}}", EDIT,
        "{at: 11min, expect: {log: [{subject: medium, data: {what: repeat, count: 1}}]}}",
    ]  # fmt: skip
    tests = "tests:\n  - test: edit\n    play:\n" + "".join(f"      - {line}\n" for line in play)
    write("after.yaml", "priority")
    path = write("before.yaml", "subject", tests)

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 0, result.output


def test_a_definition_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "before.yaml"
    path.write_text(
        f"{HEAD.replace('TABLE', BOTH)}  hot: {{{HOT}}}\n{TAIL}tests:\n  - test: edit\n    play: [{EDIT}]\n"
    )

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 1
    assert "no file 'after.yaml' beside the flow" in result.output
