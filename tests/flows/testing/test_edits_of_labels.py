"""An edit of steps that set labels acts at once on what labels decide, and on what is shown."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from flows.cli import main

FLOW = """\
vigie: 1
flow: store
pages:
  one: {title: One, owner: user/a}
  two: {title: Two, owner: user/a}
tables:
  places: [{subject: x, floor: ROW, gateway: g1}, {subject: g1}]
sources: {s: {topic: s}}
streams:
  r: {from: s, steps: [STEPS]}
  links: {from: s, steps: [only: {metric: power}]}
  calls: {from: alarms, steps: [CALLS]}
alarms:
  hot: {from: r, when: {above: LIMIT}, response: Go.MORE}
  lost: {from: links, only: {metric: power}, when: {is: off}, response: Go.}
sinks:
  log: {from: alarms, topic: log}
  called: {from: calls, topic: called}
"""
USUAL = {
    "ROW": "1", "STEPS": "only: {metric: temperature}", "LIMIT": "30 °C", "MORE": "",
    "CALLS": "notify: {wait: 5s, repeat: 10min}",
}  # fmt: skip
WARM = "{at: 0s, given: {s: [{subject: x, metric: temperature, value: 35 °C}]}}"
G1_LOST = "{at: 1s, given: {s: [{subject: g1, metric: power, value: off}]}}"
LOOKUP = "lookup: places"
ONLY_1 = "only: {label: {floor: '1'}}"
LOG_ONE = "{at: 1min, expect: {log: ["


def label(floor: int) -> str:
    return f"label: {{floor: '{floor}'}}"


def play(tmp_path: Path, before: dict[str, str], after: dict[str, str], lines: list[str]) -> None:
    edit = "{at: 1min, do: {restart: after.yaml}}"
    shown = "".join(f"      - {edit if line == 'EDIT' else line}\n" for line in lines)
    for name, given in (("before", before), ("after", after)):
        text = FLOW
        for key, value in (USUAL | given).items():
            text = text.replace(key, value)
        tests = f"tests:\n  - test: edit\n    play:\n{shown}" if name == "before" else ""
        (tmp_path / f"{name}.yaml").write_text(text + tests)
    result = CliRunner().invoke(main, ["test", str(tmp_path / "before.yaml")])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("before", "after", "now"),
    [
        pytest.param(
            {"STEPS": f"{label(1)}, {ONLY_1}"}, {"STEPS": f"{label(2)}, {ONLY_1}"}, "returned",
            id="another label",
        ),
        pytest.param(
            {"STEPS": f"{label(1)}, {ONLY_1}"}, {"STEPS": ONLY_1}, "returned",
            id="a label that nothing sets any more",
        ),
        pytest.param(
            {"STEPS": label(2)}, {"STEPS": f"{label(1)}, {ONLY_1}"}, "unacked",
            id="a label and what lets it pass, together",
        ),
        pytest.param(
            {"STEPS": label(2)}, {"STEPS": f"{label(1)}, {ONLY_1}, {label(2)}"}, "unacked",
            id="a label that is another one where it is asked for",
        ),
        pytest.param(
            {"STEPS": "deduplicate: 1s"}, {"STEPS": "label: {floor: '{subject}'}, drop: {label: {floor: x}}"},
            "returned", id="a label made of the subject",
        ),
        pytest.param(
            {"STEPS": "deduplicate: 1s"}, {"STEPS": "label: {floor: '{value}'}, " + ONLY_1}, "unacked",
            id="a label that the next reading decides",
        ),
        pytest.param(
            {"STEPS": f"{LOOKUP}, {ONLY_1}"}, {"STEPS": f"{LOOKUP}, {ONLY_1}", "ROW": "2"}, "returned",
            id="a cell of a table",
        ),
        pytest.param(
            {"STEPS": LOOKUP, "ROW": "2"}, {"STEPS": f"{LOOKUP}, {ONLY_1}"}, "unacked",
            id="a cell and what lets it pass, together",
        ),
        pytest.param(
            {"STEPS": label(1)}, {"STEPS": label(2), "MORE": ", only: {label: {floor: '1'}}"}, "returned",
            id="what the alarm itself asks for",
        ),
        pytest.param(
            {"STEPS": label(1)}, {"STEPS": label(2), "MORE": ", only: {label: {floor: '2'}}"}, "unacked",
            id="the new label is what the alarm asks for",
        ),
        pytest.param(
            {"STEPS": "label: {most: 20 °C}", "LIMIT": "{column: most}"},
            {"STEPS": "label: {most: 40 °C}", "LIMIT": "{column: most}"}, "returned",
            id="a limit",
        ),
    ],
)  # fmt: skip
def test_what_labels_let_pass_is_judged_by_the_labels_of_the_new_definition(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], now: str
) -> None:
    lines = [WARM, "EDIT", f"{{at: 1min, expect: {{hot: {{x: {now}}}}}}}"]
    play(tmp_path, before, after, lines)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"STEPS": label(1)}, {"STEPS": "label: {floor: g1}"}, id="label"),
        pytest.param(
            {"STEPS": "lookup: places"}, {"STEPS": "lookup: places", "ROW": "g1"}, id="lookup"
        ),
        pytest.param({}, {"ROW": "g1"}, id="table"),
    ],
)
def test_what_another_subject_hides_follows_the_labels(
    tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    hidden = {"MORE": ", suppressed_by: [{alarm: lost, match: floor}]"}
    suppressed = "{at: 1min, expect: {hot: {x: suppressed}}}"
    play(
        tmp_path, before | hidden, after | hidden,
        [WARM, G1_LOST, "{at: 2s, expect: {hot: {x: unacked}}}", "EDIT", suppressed],
    )  # fmt: skip


def test_an_alarm_is_at_once_on_the_page_that_its_label_names_now(tmp_path: Path) -> None:
    page = {"MORE": ", page: {column: page}"}
    play(
        tmp_path, {"STEPS": "label: {page: one}"} | page, {"STEPS": "label: {page: two}"} | page,
        [
            WARM, "{at: 1s, expect: {log: {page: one}}}", "EDIT",
            LOG_ONE + "{change: removed, page: one, annunciation: end},"
            " {change: rule_changed, page: two, annunciation: start}]}}",
        ],
    )  # fmt: skip


def test_an_alarm_has_at_once_the_priority_that_its_label_names_now(tmp_path: Path) -> None:
    urgent = {"MORE": ", priority: {column: urgency, default: low}"}
    play(
        tmp_path,
        {"STEPS": "label: {urgency: low}"} | urgent,
        {"STEPS": "label: {urgency: high}"} | urgent,
        [
            WARM, "{at: 1s, expect: {log: {priority: low}}}", "EDIT",
            LOG_ONE + "{change: rule_changed}, {change: escalated, priority: high}]}}",
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("calls", "subjects"),
    [
        pytest.param("notify: {wait: 5s, repeat: 10min, by: label.floor}", ["1", "2"], id="by"),
        pytest.param(f"{ONLY_1}, notify: {{wait: 5s, repeat: 10min}}", ["alarms", None], id="only"),
    ],
)
def test_an_alarm_leaves_the_group_of_its_earlier_label(
    tmp_path: Path, calls: str, subjects: list[str | None]
) -> None:
    before, after = subjects
    later = (
        f"{{at: 11min, expect: {{called: [{{subject: '{after}', data: {{what: repeat, count: 1}}}}]}}}}"
        if after
        else "{at: 11min, expect: {called: [{data: {what: update, count: 0}}]}}"
    )
    play(
        tmp_path, {"STEPS": label(1), "CALLS": calls}, {"STEPS": label(2), "CALLS": calls},
        [
            WARM, f"{{at: 50s, expect: {{called: [{{subject: '{before}', data: {{count: 1}}}}]}}}}",
            "EDIT", later,
        ],
    )  # fmt: skip


def warm(floor: int, value: int, at: int) -> str:
    said = f"subject: x, metric: temperature, value: {value} °C, labels: {{floor: '{floor}'}}"
    return f"{{at: {at}s, given: {{s: [{{{said}}}]}}}}"


LEVELS = ", levels: [{priority: critical, above: 50 °C}]"
ONLY_2 = "only: {label: {floor: '2'}}"
CALLS = "notify: {wait: 5s, repeat: 10min}"


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        pytest.param({}, {"STEPS": ONLY_2}, 36, id="a reading with the label that passes"),
        pytest.param({}, {"STEPS": "drop: {label: {floor: '1'}}"}, 36, id="one that is not dropped"),
        pytest.param({}, {"MORE": f"{LEVELS}, {ONLY_2}"}, 36, id="what the alarm asks for"),
        pytest.param(
            {"CALLS": f"{ONLY_1}, {CALLS}"}, {"STEPS": "deduplicate: 1s"}, 36,
            id="an edit that concerns no label",
        ),
        pytest.param(
            {"CALLS": f"{ONLY_1}, {CALLS}"}, {"STEPS": "deduplicate: 1s"}, 60,
            id="an edit above of an alarm that passed under its earlier label",
        ),
    ],
)  # fmt: skip
def test_an_alarm_whose_label_changed_with_a_reading_is_not_said_to_be_over(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], value: int
) -> None:
    usual = {"MORE": LEVELS}
    repeated = "{at: 12min, expect: {called: [{data: {what: repeat, count: 1, over: []}}]}}"
    play(
        tmp_path, usual | before, usual | before | after,
        [
            warm(1, 35, 0), "{at: 10s, expect: {called: [{data: {what: first}}]}}", warm(2, value, 20),
            "{at: 50s, expect: {hot: {x: unacked}}}", "EDIT", repeated,
        ],
    )  # fmt: skip


def test_an_alarm_that_was_told_under_an_earlier_label_stays_where_that_still_passes(
    tmp_path: Path,
) -> None:
    only_1_or_3 = "only: {label: {floor: ['1', '3']}}"
    play(
        tmp_path, {"CALLS": f"{ONLY_1}, {CALLS}"}, {"CALLS": f"{only_1_or_3}, {CALLS}"},
        [
            warm(1, 35, 0), "{at: 10s, expect: {called: [{data: {what: first}}]}}", warm(2, 36, 20),
            "{at: 30s, do: {ack: hot}}", "EDIT", "{at: 30min, expect: {called: []}}",
        ],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        pytest.param({"MORE": ", message: Hot!"}, "message: Hot!", id="message"),
        pytest.param({"MORE": "Now."}, "response: Go.Now.", id="response"),
        pytest.param({"STEPS": label(2)}, "labels: {floor: '2'}", id="label"),
    ],
)
def test_what_people_read_of_an_alarm_that_stands_is_shown_at_once(
    tmp_path: Path, after: dict[str, str], shown: str
) -> None:
    play(
        tmp_path, {}, after,
        [
            WARM, "{at: 1s, expect: {log: [{change: raised}]}}", "EDIT",
            LOG_ONE + f"{{change: rule_changed, state: unacked, {shown}}}]}}}}",
            "{at: 2min, do: restart}", "{at: 3min, expect: {log: []}}",
        ],
    )  # fmt: skip


def test_a_new_name_of_an_alarm_that_stands_is_shown_at_once(tmp_path: Path) -> None:
    play(
        tmp_path, {}, {"  hot:": "  warm:", "when: {above": "was: hot, when: {above"},
        [
            WARM, "{at: 1s, expect: {log: [{change: raised}]}}", "EDIT",
            LOG_ONE + "{alarm: warm, change: rule_changed, state: unacked}]}}",
        ],
    )  # fmt: skip
