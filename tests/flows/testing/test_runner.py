"""`vigie test`: what a definition's tests can say, and what is said when they fail."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

import flows
from flows.cli import main
from flows.testing.inputs import subscribed
from operators.alarms import command_handler
from operators.alarms.engine import commands

SHIPPED = Path(flows.__file__).parent / "definitions"
FLOWS = sorted(path for path in SHIPPED.glob("*.yaml") if path.name != "site.yaml")

HEAD = """\
vigie: 1
flow: hall
tables:
  cams: [{name: gate, host: 10.0.0.1, area: yard, least: 0.5}]
zones:
  floor: {camera: gate, points: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}
sources:
  meters: {mqtt: {topics: [zigbee2mqtt/+]}}
  plain: {topic: hall.readings}
  rules: {topic: {name: hall.rules, table: true}}
  base: {mariadb_binlog: {tables: [shop, states], rows: {shop: {subject: meter, metric: power, value: watts, unit: W}}}}
  video: {rtsp: {each: cams, url: "rtsp://{host}"}}
streams:
  readings: {from: [meters, plain, base], steps: [{decode: zigbee2mqtt}]}
  seen:
    from: video
    steps: [{motion_gate: {}}, {detect: {model: m, classes: [person], confidence: {column: least}}}, {track: 1s}]
  inside: {from: seen, steps: [{zones: {inertia: 1}}]}
  minutes: {from: readings, steps: [{window: {every: 1min, calculate: [count]}}]}
alarms:
  hot:
    from: readings
    only: {metric: temperature}
    when: {above: 30 °C, clear: 28 °C, for: 1min}
    response: Look.
    shelve: {max: 1h}
  own: {from: readings, rules: rules, response: Look.}
sinks:
  mail: {from: alarms, email: {to: a@example.org, title: "{alarm} {change}"}}
  push: {from: readings, websocket: {channel: [all, "area_{area}"]}}
  cloud: {from: readings, shape: {who: "{subject}", what: {value: "{value}"}}, webhook: {connection: c, path: /x}}
  pages: {from: minutes, topic: hall.minutes}
  boxes: {from: inside, topic: hall.boxes}
tests:
"""


@pytest.fixture
def vigie(tmp_path):
    """Runs `vigie test` on a definition with these tests; gives (exit code, output)."""

    def run(tests, *options, site=None):
        path = tmp_path / "hall.yaml"
        path.write_text(HEAD + tests, encoding="utf-8")
        if site:
            (tmp_path / "site.yaml").write_text(site, encoding="utf-8")
        result = CliRunner().invoke(main, ["test", str(path), *options])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return result.exit_code, result.output.replace(f"{tmp_path}/", "")

    return run


def play(*lines, name="one", more=""):
    return f"  - test: {name}\n{more}    play:\n" + "".join(f"      - {line}\n" for line in lines)


HOT = (
    "{at: 0s, every: 30s, until: 2min, given: {plain: {subject: rack, metric: temperature, value:"
    " 31 °C}}}"
)


@pytest.mark.parametrize(
    "lines",
    [
        [HOT, "{at: 59s, expect: {hot: normal, mail: nothing}}",
         "{at: 1min, expect: {hot: unacked, alarms: {alarm: hot, change: raised}, mail: {title: hot raised}}}"],
        [HOT, "{at: 61s, expect: {hot: {rack: unacked}}}"],
        [HOT, "{at: 2min, expect: {readings: {count: 5}, push: [{channel: all}, {}, {}, {}, {value: 31}]}}"],
        [HOT, "{at: 2min, do: {ack: hot, by: paul, note: seen}, expect: {hot: acked}}",
         "{at: 2min, expect: {mail: {change: raised}, alarms: [{change: raised}, {change: acked, user: paul, comment: seen}]}}"],
        [HOT, "{at: 90s, do: {shelve: hot, for: 10min}, expect: {hot: shelved}}",
        "{at: 11min30s, expect: {hot: unacked}}"],
        [HOT, "{at: 90s, do: {shelve: hot, for: 2h, refused: shelve_too_long}, expect: {hot: unacked}}"],
        [HOT, "{at: 90s, do: {out_of_service: hot, note: repair}, expect: {hot: out_of_service}}",
         "{at: 91s, do: {in_service: hot}, expect: {hot: unacked}}"],
        ["{at: 0s, given: {plain: {subject: rack, metric: temperature, value: 31 °C}}}",
        "{at: 10s, do: restart}",
         "{at: 60s, given: {plain: {subject: rack, metric: temperature, value: 31 °C}}, expect: {hot: unacked}}"],
        ["{at: 0s, given: {meters: {topic: zigbee2mqtt/plug, raw: {power: 12}}}}",
         "{at: 1s, expect: {readings: {subject: plug, metric: power, value: 12, unit: W, time: 0s}, readings.errors: nothing}}"],
        ["{at: 0s, given: {meters: {topic: zigbee2mqtt/plug, raw: '{'}}}",
         "{at: 1s, expect: {readings.errors: {reason: bad_json, payload: '{'}, readings: nothing}}"],
        ["{at: 0s, given: {base: {table: shop, row: {meter: kitchen, watts: 5}}}}",
         "{at: 1s, expect: {cloud: {exactly: {who: kitchen, what: {value: 5}}}, push: {metric: power, unit: W}}}"],
        ["{at: 0s, given: {base: {table: shop, op: delete, row: {meter: kitchen}}}}",
        "{at: 1s, expect: {readings: nothing}}"],
        ["{at: 0s, do: {break: cloud}}",
        "{at: 1s, given: {plain: {subject: a, metric: power, value: 1}}}",
         "{at: 2s, expect: {cloud: nothing, push: {subject: a}}}",
         "{at: 1h, do: {mend: cloud}, expect: {cloud: {who: a}}}"],
        ["{at: 0s, given: {plain: [{subject: a, metric: power, labels: {area: yard}}, {subject: b, metric: door, value: open}]}}",
         "{at: 1s, expect: {push: [{channel: area_yard}, {channel: all, value: open}]}}"],
        ["{at: 0s, every: 10s, until: 50s, given: {plain: {subject: a, metric: power, value: 1}}}",
         "{at: 110s, expect: {minutes: {exactly: {subject: a, metric: power, start: '2026-01-05T12:00:00', count: 6}}}}"],
        ["{at: 0s, every: 2min, until: 2min, given: {plain: {subject: a, metric: power, value: 1}}}",
         "{at: 4min, given: {plain: {subject: a, metric: power, value: 3, time: 5s}}}",
         "{at: 5min, expect: {minutes.late: {value: 3}}}"],
        ["{at: 0s, given: {rules: {id: r1, subject: a, above: 10}}}",
         "{at: 1s, given: {plain: {subject: a, metric: power, value: 11}}}",
         "{at: 2s, expect: {own: {a: unacked}}}",
         "{at: 3s, given: {rules: {id: r1, deleted: true}}, expect: {own: normal}}"],
        ["{at: 0s, given: {video: {camera: gate, sees: [{class: person, box: [0.4, 0.4, 0.1, 0.4], score: 0.9}, {class: cat}]}}}",
         "{at: 0s, expect: {seen: {class: person, phase: new, camera: gate, area: yard}, inside: {in_zone: floor}}}",
         "{at: 2s, given: {video: {camera: gate, sees: [{class: person, score: 0.4}]}}}",
         "{at: 2min, expect: {seen: {phase: end, time: 2.5s}, boxes: [{phase: entered}, {phase: left}]}}"],
        ["{at: 0s, given: {plain: {type: pressed, subject: mat, data: {force: {high: 2}}}}}",
         "{at: 0s, expect: {readings: {type: pressed, force: {high: 2}}, readings.late: nothing}}"],
    ],
)  # fmt: skip
def test_what_a_definition_does_is_what_its_test_says(vigie, lines):
    code, output = vigie(play(*lines))
    assert code == 0, output
    assert "1 passed" in output


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["{at: 1s, expect: {readings: {subject: a}}}"],
        "at 1s: readings: expected 1 event, none came"),
        ([HOT, "{at: 2min, expect: {readings: nothing}}"], "readings: expected nothing, 5 came"),
        ([HOT, "{at: 2min, expect: {readings: {count: 4}}}"],
        "readings: expected 4 events, 5 came"),
        ([HOT, "{at: 30s, expect: {readings: [{value: 31}, {value: 31}, {value: 32}]}}"],
         "readings: expected 3 events, 2 came; the third is missing: {value: 32}"),
        ([HOT, "{at: 30s, expect: {readings: [{value: 31}, {vlaue: 31}]}}"],
        "+ vlaue: no such field; did you mean 'value'?"),
        ([HOT, "{at: 0s, expect: {readings: {value: 30, unit: °C}}}"],
        "- value: 30\n    + value: 31"),
        ([HOT, "{at: 0s, expect: {readings: {time: 3s}}}"], "- time: 3s\n    + time: 0s"),
        ([HOT, "{at: 0s, expect: {cloud: {what: {value: 2}}}}"],
        "- what.value: 2\n    + what.value: 31"),
        ([HOT, "{at: 0s, expect: {cloud: {exactly: {who: rack}}}}"],
        "- no 'what'\n    + what: {value: 31}"),
        ([HOT, "{at: 30s, expect: {readings: {value: 30}}}"],
        "readings: expected one event, 2 came"),
        ([HOT, "{at: 2min, expect: {hot: normal}}"],
        "hot: expected normal, is unacked (rack unacked)"),
        ([HOT, "{at: 2min, expect: {hot: {rack: acked}}}"],
        "hot of rack: expected acked, is unacked"),
        ([HOT, "{at: 2min, expect: {hot: {shelf: acked}}}"],
        "expected acked, is normal; known subjects: rack unacked"),
        ([HOT, "{at: 2min, expect: {hot: {shelf: normal}}}"],
        "hot of shelf: nothing in this test has this subject"),
        ([HOT, "{at: 2s, do: {ack: hot}}"],
        "ack hot: was refused as no_occurrence; its alarms: rack normal"),
        ([HOT, "{at: 90s, do: {ack: hot, refused: already_acked}}"],
         "expected to be refused as already_acked, but was carried out; its alarms: rack acked"),
    ],
)  # fmt: skip
def test_a_failure_says_what_was_expected_and_what_came(vigie, lines, words):
    code, output = vigie(play(*lines))
    assert code == 1
    assert words in output
    assert "1 failed" in output


def test_a_failure_is_shown_with_its_line_and_what_happened(vigie):
    code, output = vigie(
        play(HOT, "{at: 70s, expect: {hot: normal, readings: {count: 2}}}", name="it stays cool")
    )
    assert code == 1
    line = len(HEAD.splitlines()) + 4
    assert output == (
        f"FAILED hall.yaml:{line - 3}: it stays cool\n\n"
        f"  hall.yaml:{line}:33: at 1min10s: hot: expected normal, is unacked (rack unacked)\n"
        f"{line:7} |       - {{at: 70s, expect: {{hot: normal, readings: {{count: 2}}}}}}\n"
        "        |                                 ^^^^^^\n\n"
        f"  hall.yaml:{line}:41: at 1min10s: readings: expected 2 events, 3 came\n"
        f"{line:7} |       - {{at: 70s, expect: {{hot: normal, readings: {{count: 2}}}}}}\n"
        "        |                                         ^^^^^^^^\n\n"
        "  what happened until 1min10s:\n"
        "      0s  given plain > readings  rack temperature 31 °C\n"
        "      0s  push                    rack temperature 31 °C {channel: all}\n"
        "      0s  cloud                   {who: rack, what: {value: 31}}\n"
        "     30s  given plain > readings  rack temperature 31 °C\n"
        "     30s  push                    rack temperature 31 °C {channel: all}\n"
        "     30s  cloud                   {who: rack, what: {value: 31}}\n"
        "    1min  minutes > pages         rack temperature {count: 2}\n"
        "    1min  hot                     rack hot raised, now unacked\n"
        "    1min  mail                    rack hot raised, now unacked {title: hot raised}\n"
        "    1min  given plain > readings  rack temperature 31 °C\n"
        "    1min  push                    rack temperature 31 °C {channel: all}\n"
        "    1min  cloud                   {who: rack, what: {value: 31}}\n\n"
        "hall.yaml: 1 failed in 0.00 s\n"
    ).replace("0.00 s", output[-7:-1])


def test_hours_and_dates_are_those_of_the_site(vigie):
    late = play(
        "{at: 0s, given: {plain: {subject: rack, metric: temperature, value: 1 °C}}, "
        "expect: {readings: {time: '2026-07-01T20:00:00'}, cloud: {who: rack}}}",
        more="    start: 2026-07-01T20:00:00\n",
    )
    assert vigie(late)[0] == 0
    site = "vigie: 1\nsite: here\ntimezone: Europe/Paris\n"
    shaped = late.replace("cloud: {who: rack}", "readings.late: nothing")
    assert vigie(shaped, site=site)[0] == 0
    utc = late.replace("'2026-07-01T20:00:00'", "'2026-07-01T18:00:00+00:00'")
    assert vigie(utc, site=site)[0] == 0


def test_k_picks_tests_and_v_names_them(vigie):
    tests = play(HOT, name="the rack is hot") + play(
        "{at: 0s, expect: {hot: normal}}", name="nothing happens"
    )
    code, output = vigie(tests, "-v")
    assert code == 0
    assert output.count("ok hall.yaml:") == 2
    assert "hall.yaml: no test raises the alarm own" in output
    code, output = vigie(tests, "-v", "-k", "HOT")
    assert (code, output.count("ok hall.yaml:"), "1 passed" in output) == (0, 1, True)
    code, output = vigie(tests, "-k", "happen")
    assert "no test raises" not in output
    code, output = vigie(tests, "-k", "hpapens")
    assert code == 1
    assert "error: no test has 'hpapens' in its name; did you mean 'happens'?" in output


def test_a_definition_with_an_error_is_not_tested(vigie):
    code, output = vigie(play("{at: 0s, expect: {hto: normal}}"))
    assert code == 1
    assert "error: nothing is called 'hto'" in output


def test_a_test_that_needs_what_does_not_run_yet_is_shown_as_not_run(vigie, tmp_path):
    (tmp_path / "by.yaml").write_text(
        "vigie: 1\nflow: f\nsources: {a: {topic: t}}\nstreams: {s: {from: a, by: subject, steps:"
        " [{deduplicate: 1s}]}}\nsinks: {o: {from: s, topic: u}}\ntests: [{test: one, play: [{at:"
        " 0s, expect: {s: nothing}}]}]\n"
    )
    result = CliRunner().invoke(
        main, ["test", str(tmp_path / "by.yaml"), "--junit", str(tmp_path / "o.xml")]
    )
    assert result.exit_code == 0
    assert "not run" in result.output
    assert "'by' of a whole stream cannot run yet" in result.output
    (case,) = ET.parse(tmp_path / "o.xml").getroot().iter("testcase")
    assert [child.tag for child in case] == ["skipped"]


def test_results_as_json_and_junit(vigie, tmp_path):
    tests = play(HOT, "{at: 0s, expect: {readings: {value: 1}}}", name="wrong <&\x07>") + play(
        HOT, name="right"
    )
    tests = tests.replace("\x07", "")
    code, output = vigie(tests, "--json", "--junit", str(tmp_path / "out.xml"))
    assert code == 1
    first, second = json.loads(output)
    assert (first["status"], second["status"], second["raised"]) == ("failed", "passed", ["hot"])
    assert first["failures"][0]["differences"] == [{"field": "value", "wanted": "1", "came": "31"}]
    root = ET.parse(tmp_path / "out.xml").getroot()
    (suite,) = root
    assert root.tag == "testsuites"
    assert suite.attrib.keys() >= {
        "name",
        "timestamp",
        "hostname",
        "tests",
        "failures",
        "errors",
        "time",
        "id",
        "package",
    }
    assert (
        suite.get("tests"),
        suite.get("failures"),
        suite.get("errors"),
        suite.get("skipped"),
    ) == (
        "2",
        "1",
        "0",
        "0",
    )
    assert [child.tag for child in suite] == [
        "properties",
        "testcase",
        "testcase",
        "system-out",
        "system-err",
    ]
    failure = suite.find("testcase/failure")
    assert failure.get("type") == "expectation"
    assert "readings: the event differs" in failure.get("message")
    assert "what happened until 0s" in failure.text


def test_all_shipped_definitions_pass_their_tests_and_raise_every_alarm():
    result = CliRunner().invoke(main, ["test", "-v", *map(str, FLOWS)])
    assert result.exit_code == 0, result.output
    assert "not run" not in result.output
    assert "no test raises" not in result.output


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_shipped_definition_is_tested_normally_with_its_alarms_and_with_bad_input(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("  - test: ") >= 3
    assert ".errors: {reason:" in text or path.stem in ("archive", "cameras", "vigie")


def test_two_definitions_of_one_flow_are_an_error_when_they_are_checked_together(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(HEAD + play(HOT), encoding="utf-8")
    result = CliRunner().invoke(
        main, ["validate", str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml")]
    )
    assert result.exit_code == 1
    assert (
        f"two.yaml:2:7: error: the flow 'hall' is already in {tmp_path / 'one.yaml'}"
        in result.output
    )


def test_a_site_file_among_the_files_gives_the_time_zone(tmp_path):
    (tmp_path / "hall.yaml").write_text(
        HEAD
        + play(
            "{at: 0s, given: {plain: {subject: a, metric: power}}, expect: {readings: {time:"
            " '2026-01-05T11:00:00Z'}}}"
        ),
        encoding="utf-8",
    )
    (tmp_path / "place.yaml").write_text("vigie: 1\nsite: here\ntimezone: Europe/Paris\n")
    result = CliRunner().invoke(
        main, ["test", str(tmp_path / "hall.yaml"), str(tmp_path / "place.yaml")]
    )
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("topic", "pattern", "takes"),
    [("a/b", "a/+", True), ("a/b/c", "a/+", False), ("a", "a/#", True), ("a/b/c", "#", True),
    ("a/b", "a/c", False),
     ("a/b", "$share/group/a/+", True), ("a", "a/+", False)],
)  # fmt: skip
def test_topics_are_compared_as_a_broker_does(topic, pattern, takes):
    assert subscribed(topic, pattern) is takes


def test_every_word_for_a_refused_command_is_known_to_tests():
    sources = [
        Path(module.__file__).read_text(encoding="utf-8") for module in (commands, command_handler)
    ]
    refusals = sources[0].partition("def refusal(")[2]
    words = set(re.findall(r'"([a-z_]+)"\)', refusals)) | set(
        re.findall(r'return "([a-z_]+)"', refusals)
    )
    words |= set(re.findall(r'return None if .* else "([a-z_]+)"', refusals))
    assert len(words) > 8
    assert words - {"duration", "comment", "occurrence", "oneshot"} <= set(commands.REFUSALS)
    assert "unknown_alarm" in sources[1]
