"""Broken definitions: every problem, to the letter, where it is."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from connectors.config.document import Document
from flows.cli import main
from flows.loader import build, load

BAD = Path(__file__).parents[2] / "data" / "bad"
BROKEN = sorted(path.stem for path in BAD.glob("*.txt"))


@pytest.fixture
def validate(monkeypatch):
    def run(path, *options):
        monkeypatch.chdir(path.parent)
        return CliRunner().invoke(main, ["validate", *options, path.name])

    return run


def written(tmp_path, text, name="flow.yaml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(tmp_path, text):
    document, flow = load(written(tmp_path, text))
    assert (flow is None) == bool(document.errors)
    return document.report()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_definition_is_refused_with_exactly_these_words(validate, name):
    result = validate(BAD / f"{name}.yaml", "-q")
    assert result.output == (BAD / f"{name}.txt").read_text(encoding="utf-8")
    assert result.exit_code == 1


def test_every_broken_definition_has_its_expected_words():
    assert len(BROKEN) > 30
    assert {path.stem for path in BAD.glob("*.yaml")} - {"shared_tables"} == set(BROKEN)


def test_every_problem_has_file_line_column_and_is_in_file_order():
    for name in BROKEN:
        heads = re.findall(
            r"^(\S+\.yaml):(\d+):(\d+): (?:error|warning): .",
            (BAD / f"{name}.txt").read_text(),
            re.M,
        )
        places = [
            (int(line), int(column)) for file, line, column in heads if file == f"{name}.yaml"
        ]
        assert places
        assert places == sorted(places)


FLOW = """\
vigie: 1
flow: store
sources:
  probes:
    mqtt: {topics: [cold/#]}
streams:
  readings:
    from: probes
    steps:
      - decode: zigbee2mqtt
      - deduplicate: 10s
alarms:
  warm:
    from: readings
    only: {metric: temperature}
    when: {above: 8 °C, clear: 6 °C, for: 2min}
    armed: {hours: 20:00-07:00}
    response: Close the door.
sinks:
  log:
    from: readings
    shape: {at: "{time}"}
    batch: {max: 10}
    topic: cold.readings
tests:
  - test: warm
    play:
      - {at: 0s, given: {probes: {subject: a, metric: temperature, value: 9}}, expect: {log: nothing}}
"""


def test_the_flow_that_the_next_tests_break_is_right(tmp_path):
    assert problems(tmp_path, FLOW) == ""


@pytest.mark.parametrize(
    "where",
    [
        "flow: store",
        "    mqtt: {topics: [cold/#]",
        "    mqtt: {topics: [cold/#]}",
        "    from: probes",
        "      - deduplicate: {within: 10s",
        "      - decode: zigbee2mqtt",
        "    only: {metric: temperature",
        "    when: {above: 8 °C, clear: 6 °C, for: 2min",
        "    armed: {hours: 20:00-07:00",
        "    response: Close the door.",
        "    batch: {max: 10",
        "    topic: cold.readings",
        "  - test: warm",
        "      - {at: 0s",
    ],
)
def test_an_unknown_key_is_an_error_in_every_place_where_keys_can_stand(tmp_path, where):
    """Strictness must never be lost by an upgrade: a key nobody reads is a mistake somebody
    made.
    """
    text = FLOW.replace("deduplicate: 10s", "deduplicate: {within: 10s}")
    assert where in text
    indent = re.match(r"[ -]*", where)[0].replace("-", " ")
    extra = (
        ", zzunknown: 1" if "{" in where and not where.endswith("}") else f"\n{indent}zzunknown: 1"
    )
    if where == "      - {at: 0s":
        extra = ", zzunknown: 1"
    report = problems(tmp_path, text.replace(where, where + extra, 1))
    assert "'zzunknown'" in report
    assert "unknown key 'zzunknown'" in report or "unknown step 'zzunknown'" in report


@pytest.mark.parametrize("name", ["from_", "is_", "class_", "for_", "while_"])
def test_a_name_from_inside_the_program_is_an_unknown_key(tmp_path, name):
    text = FLOW.replace("when: {above", f"when: {{{name}: 1, above")
    assert f"unknown key {name!r}" in problems(tmp_path, text)


def test_words_and_numbers_mean_what_they_look_like(tmp_path):
    text = FLOW.replace(
        "only: {metric: temperature}", "only: {metric: on, label: {n: 010, t: 12:30, y: yes}}"
    )
    text = text.replace("{max: 10}", "{max: 010}")
    document, flow = load(written(tmp_path, text))
    assert "needs a text or a list, not 10" in document.report()
    document, flow = load(written(tmp_path, text.replace("n: 010, ", "")))
    assert flow is not None
    alarm = flow.alarms["warm"]
    assert alarm.only.metric == "on"
    assert alarm.only.label == {"t": "12:30", "y": "yes"}
    assert flow.sinks["log"].batch.max == 10


@pytest.mark.parametrize(
    "empty", ["only:", "when: {above: 8 °C, clear: }", "page: ~", "message: null"]
)
def test_an_empty_value_is_an_error_because_it_would_be_ignored(tmp_path, empty):
    key = re.findall(r"(\w+): *(?:$|~|null|})", empty)[0]
    text = FLOW.replace("    when: {above: 8 °C, clear: 6 °C, for: 2min}", f"    {empty}")
    assert f"{key!r} is empty" in problems(tmp_path, text)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"# nothing\n", b"\xef\xbb\xbf", b"\xff\xfe\x00v", b"\x00", b"vigie: 1\x00",
        b"\x80",
        b"%YAML 1.1\n---\na: 1\n", b"--- 1\n--- 2\n", b"...\n", b"\t", b"a: b: c", b"[", b"{",
        b"]", b"? a\n: b\n",
        b"? [a]\n: b\n", b"{[a]: b}", b"*a", b"&a", b"*a : 1", b"!!python/object:os.system x",
        b"- " * 5000,
        b"[" * 100_000, b"{a: " * 3000, b"'", b'"\\ud800"', b"a: |\n  x\n b", b"a:\n  - b\n c: d",
        b"vigie: .nan",
        b"vigie: 1e999", b"vigie: "+b"9" * 5000, b"\xc2\x85", b"a: 1\r\nb\r: 2", b"x" *(3 << 20),
        b"a: !<tag:x> 1",
        b"<<: 1",
        b"vigie: 1\nflow: [1]\nsources: 1\nstreams: a\nalarms: []\nsinks: {a: b}\ntests: {}\n",
        b"tests: [{play: [{at: 1}]}]",
        b"recipes: {a: [{use: a}]}\nstreams: {b: {steps: [{use: a}]}}",
        b"include: [., flow.yaml, /dev/null]\ntables: 1\n", b"a: \xe2\x80\xa8b: 1",
        b"site: 1\nconnections: 2\n",
        b"site: x\n", b"- - - -", b"vigie: 1\nflow: a\nsources: {a: {mqtt: {topics: []}}}",
    ],
)  # fmt: skip
def test_any_bytes_are_refused_with_a_clear_error(tmp_path, validate, data):
    result = validate(written(tmp_path, data))
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert re.match(r"flow\.yaml:\d+:\d+: error: .", result.output)


def test_a_missing_file_and_a_folder_are_errors(tmp_path, validate):
    assert (
        "nowhere.yaml:1:1: error: the file cannot be read"
        in validate(tmp_path / "nowhere.yaml").output
    )
    (tmp_path / "folder.yaml").mkdir()
    assert (
        "folder.yaml:1:1: error: the file cannot be read"
        in validate(tmp_path / "folder.yaml").output
    )


def test_all_files_are_checked_although_one_is_wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "flow: 1", "one.yaml")
    written(tmp_path, FLOW, "two.yaml")
    result = CliRunner().invoke(main, ["validate", "one.yaml", "two.yaml"])
    assert result.exit_code == 1
    assert "one.yaml:1:7: error" in result.output
    assert (
        "two.yaml: ok (1 source, 1 stream, 1 alarm, 1 sink, 1 test, 3 with state)" in result.output
    )


def test_a_warning_does_not_fail(tmp_path, validate):
    text = FLOW.replace("sources:\n", "sources:\n  spare:\n    mqtt: {topics: [a]}\n")
    result = validate(written(tmp_path, text))
    assert result.exit_code == 0
    assert "warning: nothing reads 'spare'" in result.output


def test_passwords_are_not_shown_with_the_line_they_stand_in(tmp_path, validate):
    for text in (
        (
            "vigie: 1\nsite: a\nconnections:\n  mqtt: {url: mqtt://h, password: s3cret-word, extra:"
            " 1}\n"
        ),
        "vigie: 1\nsite: a\nconnections:\n  mariadb: {url: mysql://u:s3cret-word@h/db, zz: 1}\n",
        "vigie: 1\nsite: a\npassword: s3cret-word\n",
    ):
        result = validate(written(tmp_path, text))
        assert "error" in result.output
        assert "***" in result.output
        assert "s3cret-word" not in result.output
    camera = FLOW.replace(
        "mqtt: {topics: [cold/#]}", 'rtsp: {each: cams, url: "rtsp://u:s3cret-word@{host}/{paht}"}'
    ).replace("sources:", "tables:\n  cams:\n    - {name: a, host: b, path: c}\nsources:")
    report = problems(tmp_path, camera)
    assert "no column 'paht'" in report
    assert "s3cret-word" not in report


def test_the_document_can_be_built_from_text_that_is_not_a_file(tmp_path):
    document = Document(tmp_path / "new.yaml")
    document.root = document.parse(FLOW)
    assert build(document) is not None


def test_reading_touches_no_variable_and_no_network(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", None)
        patch.setattr("socket.socket", None)
        report = problems(tmp_path, FLOW)
    assert report == ""


def test_with_a_site_file_the_connections_of_the_flows_must_be_in_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    webhook = FLOW.replace(
        "    topic: cold.readings\n", "    webhook: {connection: clout, path: /a}\n"
    )
    written(tmp_path, webhook, "flow.yaml")
    site = (
        "vigie: 1\nsite: plant\nconnections:\n  mqtt: {url: 'mqtt://a'}\n  cloud: {url:"
        " 'http://a'}\n"
    )
    written(tmp_path, site, "site.yaml")
    result = CliRunner().invoke(main, ["validate", "flow.yaml", "site.yaml"])
    assert result.exit_code == 1
    assert "flow.yaml:24:27: error: the site 'plant' has no connection 'clout'" in result.output
    assert "did you mean 'cloud'?" in result.output
    written(tmp_path, site.replace("mqtt:", "mqqt:", 1), "site.yaml")
    result = CliRunner().invoke(main, ["validate", "flow.yaml", "site.yaml"])
    assert "flow.yaml:5:5: error: the site 'plant' has no connection 'mqtt'" in result.output
