"""Validation finds what can never come or hold, and a remedy for what people mistype."""

import pytest
from click.testing import CliRunner

from flows.cli import main
from flows.loader import load
from operators.decoding.catalogue import NAMES
from tests.corpus.cases import OWN, PUBLIC, dialect_of
from tests.corpus.cases import load as load_cases

FLOW = """\
vigie: 1
flow: house
sources:
  s: {mqtt: {topics: [zigbee2mqtt/+]}}
streams:
  r: {from: s, steps: [decode: zigbee2mqtt]}
  warm: {from: r, steps: [only: {metric: temperature}]}
  damp: {from: r, steps: [only: {metric: humidity}]}
alarms:
  hot: {from: warm, when: {above: 30 °C, for: 1h}, response: Go.}
  lost: {from: damp, when: {silent: 15min}, response: Go.}
sinks:
  mail: {from: alarms, only: {change: [raised, cleared]}, email: {to: a@b.c, title: "{alarm}"}}
  page: {from: [alarms, warm], websocket: {channel: house}}
"""


def problems(folder, text):
    path = folder / "house.yaml"
    path.write_text(text)
    document, _ = load(path)
    return document.report()


def test_a_wait_longer_than_the_silence_of_another_metric_is_right(tmp_path):
    assert problems(tmp_path, FLOW) == ""
    same = FLOW.replace("{from: damp, when: {silent", "{from: warm, when: {silent")
    assert "longer than the 15min after which 'lost'" in problems(tmp_path, same)


@pytest.mark.parametrize(
    ("written", "instead", "says"),
    [
        ("[raised, cleared]", "[raised, risen]", ["the change 'risen'", "did you mean 'raised'?"]),
        ("change: [raised, cleared]", "state: [unacked, aked]", ["'aked'", "'acked'"]),
        ("metric: temperature", "metric: door", ["the metric 'door'", "called 'contact' there"]),
        ("metric: temperature", "metric: [temperature, people]", ["the metric 'people'"]),
        ("metric: temperature", "metric: temp", ["called 'temperature' there"]),
        ("above: 30 °C", "above: 400 °C", ["never true: temperature is at most 400 °C"]),
        ("above: 30 °C", "outside: [-100 °C, 500 °C]", ["temperature is from -90 °C to 400 °C"]),
        ("above: 30 °C", "inside: [500 °C, 600 °C]", ["temperature is at most 400 °C"]),
        ("above: 30 °C", "inside: [-200 °C, -100 °C]", ["temperature is at least -90 °C"]),
        ("above: 30 °C", "inside: [7,5 °C, 9 °C]", ["write 7.5 °C"]),
        ("above: 30 °C, for: 1h", "is: on", ["never true: temperature is a number, not 'on'"]),
        ("above: 30 °C, for: 1h", "is: true", ["never true: temperature is a number, not true"]),
        ("above: 30 °C, for: 1h", "is: 500", ["never true: temperature is from -90 °C"]),
        ("silent: 15min", "below: 0 %", ["never true: humidity is at least 0 %"]),
        ("above: 30 °C", "above: 7,5 °C", ["a comma in a number", "write 7.5 °C"]),
        ("warm", "late", ["'late' means the side output NAME.late; choose another name"]),
        ("damp", "errors", ["'errors' means the side output NAME.errors"]),
    ],
)
def test_a_mistake_is_told_with_its_remedy(tmp_path, written, instead, says):
    report = problems(tmp_path, FLOW.replace(written, instead))
    assert all(words in report for words in says), report
    assert report.count("error:") + report.count("warning:") <= 2


@pytest.mark.parametrize("name", ["late", "errors"])
def test_an_alarm_may_have_the_name_of_a_side_output(tmp_path, name):
    test = f"tests:\n  - test: x\n    play:\n      - {{at: 1s, expect: {{{name}: normal}}}}\n"
    assert problems(tmp_path, FLOW.replace("hot:", f"{name}:") + test) == ""


def test_a_threshold_that_is_never_on_is_told(tmp_path):
    steps = "[only: {metric: occupancy}, threshold: {above: 1}]"
    report = problems(tmp_path, FLOW.replace("[only: {metric: humidity}]", steps))
    assert "never true: occupancy is at most 1" in report


def test_a_sum_of_several_metrics_is_told_by_their_names(tmp_path):
    sum_ = "  sum: {from: {a: both, b: warm}, steps: [combine: {subject: x, metric: y, plus: [a, b]"
    sums = FLOW.replace("alarms:", sum_ + ", max_age: 1h}]}\nalarms:", 1).replace(
        "[alarms,", "[sum,"
    )
    two = "  both: {from: r, steps: [only: {metric: [temperature, device_temperature]}]}\n  damp"
    report = problems(tmp_path, sums.replace("  damp", two, 1))
    assert "error: adds up temperature, device_temperature of what 'both' brings" in report
    assert "warning: adds up" in problems(tmp_path, sums.replace("a: both", "a: r"))
    assert problems(tmp_path, sums.replace("a: both", "a: warm")) == ""


def test_a_word_of_the_vocabulary_may_stand_in_a_list_although_it_does_not_come_now(tmp_path):
    several = FLOW.replace("change: [raised, cleared]", "priority: [high, medium]")
    assert problems(tmp_path, several) == ""


def test_a_colon_in_a_text_and_a_path_without_its_slash_have_a_remedy(tmp_path):
    block = "  more:\n    from: warm\n    when: {above: 31 °C}\n    response: Look: now\nsinks:"
    assert "quote texts that hold ': '" in problems(tmp_path, FLOW.replace("sinks:", block))
    hook = FLOW.replace("websocket: {channel: house}", "webhook: {connection: c, path: alarms}")
    assert "'alarms' is not a path" in problems(tmp_path, hook)
    assert "write /alarms" in problems(tmp_path, hook)


def test_a_site_file_is_checked_although_values_are_variables(tmp_path):
    (tmp_path / "house.yaml").write_text(FLOW.replace("mqtt: {", "mqtt: {connection: north, "))
    (tmp_path / "site.yaml").write_text(
        "vigie: 1\nsite: s\nconnections:\n"
        '  redpanda: {brokers: [redpanda, "${HOST}"], pasword: "${WORD}"}\n'
        '  north: {url: "mqtt://h", user: "${NAME}"}\n  email: {url: "smtp://h"}\n'
    )
    files = [str(tmp_path / name) for name in ("site.yaml", "house.yaml")]
    report = CliRunner().invoke(main, ["validate", *files]).output
    assert "'redpanda' is not HOST:PORT" in report and "write redpanda:9092" in report
    assert "unknown key 'pasword'" in report and "unknown key 'user'" in report
    assert report.count("error:") == 3


def test_a_dialect_makes_no_metric_that_its_page_does_not_show():
    shown = {name: CliRunner().invoke(main, ["docs", name]).output for name in NAMES}
    for case in [*load_cases(PUBLIC), *load_cases(OWN)]:
        dialect = dialect_of(case)
        for one in case["expect"]["readings"]:
            assert f"| `{one['metric']}` |" in shown[dialect], (case["name"], one)
    assert "| `contact` |  | `closed` (1) or `open` (0) |" in shown["zigbee2mqtt"]
    assert "| `temperature` | °C | -90 to 400 |" in shown["zigbee2mqtt"]
    assert "`value`" not in shown["zigbee2mqtt"]
