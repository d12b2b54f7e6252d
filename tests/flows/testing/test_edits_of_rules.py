"""A rule that people change while the flow runs acts at once, as an edit of the definition does."""

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
sources: {s: {topic: s}, rules: {topic: {name: rules, table: true}}}
alarms:
  ruled: {from: s, rules: rules, page: {column: page}, response: Go.}
sinks: {log: {from: alarms, topic: log}}
tests:
  - test: a rule is changed
    play:
      - {at: 0s, given: {rules: {id: r1, RULE}}}
      - {at: 1s, given: {s: [{subject: x, metric: temperature, value: 35 °C}]}}
      - {at: 2s, expect: {ruled: {x: FIRST}}}
      - {at: 1min, given: {rules: {id: r1, CHANGED}}}
      - {at: 1min, expect: {ruled: {x: THEN}SAID}}
      - {at: 2min, given: {s: [{subject: x, metric: temperature, value: 35 °C}]}}
      - {at: 3min, do: restart, expect: {ruled: {x: THEN}}}
"""
HOT = "page: one, subject: x, above: 30 °C"
COLD = "page: one, subject: x, metric: temperature, below: 40 °C"


@pytest.mark.parametrize(
    ("rule", "first", "changed", "then", "said"),
    [
        pytest.param(
            HOT, "unacked", HOT.replace("one", "two"), "unacked",
            "[{change: removed, page: one, annunciation: end},"
            " {change: rule_changed, page: two, annunciation: start}]",
            id="page",
        ),
        pytest.param(
            HOT, "unacked", HOT.replace("30", "40"), "returned", "[{change: rule_changed}, {change: returned}]",
            id="limit",
        ),
        pytest.param(
            HOT.replace("30", "40"), "normal", HOT, "unacked", "[{change: raised}]", id="lower limit"
        ),
        pytest.param(
            HOT, "unacked", HOT.replace("above: 30", "below: 40"), "unacked", "[{change: rule_changed}]",
            id="another condition that holds",
        ),
        pytest.param(
            HOT, "unacked", f"{HOT}, metric: temperature", "unacked", "[{change: rule_changed}]", id="metric named"
        ),
        pytest.param(
            HOT, "unacked", f"{HOT}, metric: humidity", "returned", "[{change: removed}]",
            id="another metric",
        ),
        pytest.param(
            HOT, "unacked", HOT.replace("30 °C", "30 %"), "returned", "[{change: removed}]",
            id="another quantity",
        ),
        pytest.param(
            COLD, "unacked", COLD.replace("40 °C", "30 %"),
            "returned", "[{change: rule_changed}, {change: returned}, {change: no_data}]",
            id="a quantity that the metric is not",
        ),
        pytest.param(
            HOT, "unacked", HOT.replace("subject: x", "subject: '*'"), "unacked", "[{change: rule_changed}]",
            id="of more subjects",
        ),
        pytest.param(
            HOT.replace("subject: x", "subject: '*'"), "unacked", HOT.replace(": x", ": y"), "returned",
            "[{change: removed, annunciation: end}]", id="of other subjects",
        ),
        pytest.param(
            HOT, "unacked", f"{HOT}, priority: critical", "unacked",
            "[{change: rule_changed}, {change: escalated, priority: critical}]", id="priority",
        ),
    ],
)  # fmt: skip
def test_a_rule_that_is_changed_acts_on_what_stands(
    tmp_path: Path, rule: str, first: str, changed: str, then: str, said: str
) -> None:
    text = FLOW
    raised = "{change: raised}, " if first == "unacked" else ""
    for key, value in {
        "RULE": rule, "FIRST": first, "CHANGED": changed, "THEN": then,
        "SAID": f", log: [{raised}{said[1:]}",
    }.items():  # fmt: skip
        text = text.replace(key, value)
    path = tmp_path / "flow.yaml"
    path.write_text(text)

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("do", "then"),
    [
        pytest.param("ack", "{subject: one, data: {raised: [], count: 0}}", id="acknowledged"),
        pytest.param(
            "comment", "{subject: two, data: {count: 1}}, {subject: one, data: {count: 0}}",
            id="waits for somebody",
        ),
    ],
)  # fmt: skip
def test_the_group_of_the_page_that_an_alarm_leaves_hears_that(
    tmp_path: Path, do: str, then: str
) -> None:
    notify = "notify: {by: page, wait: 5s, interval: 1min}"
    head = FLOW.partition("tests:")[0].replace("from: alarms", "from: told")
    head = head.replace(
        "alarms:\n", f"streams: {{told: {{from: alarms, steps: [{notify}]}}}}\nalarms:\n"
    )
    play = [
        f"{{at: 0s, given: {{rules: {{id: r1, {HOT}}}}}}}",
        "{at: 1s, given: {s: {subject: x, metric: temperature, value: 35 °C}}}",
        f"{{at: 30s, do: {{{do}: ruled, note: seen}}, expect: {{log: [{{subject: one}}]}}}}",
        f"{{at: 1min, given: {{rules: {{id: r1, {HOT.replace('one', 'two')}}}}}}}",
        f"{{at: 20min, expect: {{log: [{then}]}}}}",
    ]
    lines = "".join(f"      - {line}\n" for line in play)
    path = tmp_path / "flow.yaml"
    path.write_text(f"{head}tests:\n  - test: it leaves the page\n    play:\n{lines}")

    result = CliRunner().invoke(main, ["test", str(path)])

    assert result.exit_code == 0, result.output
