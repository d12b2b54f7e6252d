"""The commands that read definitions: list, docs, schema, graph."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner

import flows
from connectors.config.document import Document
from flows.cli import COMMANDS, main
from flows.drawing.layered_layout import layered
from flows.language.catalogue import kinds
from flows.language.json_schema import flow_schema, site_schema
from flows.loader import load
from operators.model.units import duration_text
from tests.waiting import PATIENCE

SHIPPED = Path(flows.__file__).parent / "definitions"
FLOWS = sorted(str(path) for path in SHIPPED.glob("*.yaml") if path.name != "site.yaml")


def vigie(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    result = vigie(name, "--help")
    assert result.exit_code == 0, result.output
    assert len(result.output.split("\n")) > 5


def test_a_mistyped_command_is_told_the_nearest():
    result = vigie("validat")
    assert result.exit_code == 2
    assert "no command 'validat'; did you mean 'validate'?" in result.output


def test_the_list_of_commands_is_shown_without_loading_any_of_them():
    look = (
        "import sys; from click.testing import CliRunner; from flows.cli import main;"
        " print(CliRunner().invoke(main, ['--help']).output);"
        " print('loaded:', *sorted({'pydantic', 'kafka', 'sqlalchemy', 'api'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    *listed, loaded = result.stdout.strip().splitlines()
    assert loaded.strip() == "loaded:"
    for name, entry in COMMANDS.items():
        assert any(line.split()[:1] == [name] and entry.help in line for line in listed), name


def test_checking_a_flow_of_topics_loads_no_client(tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(
        "vigie: 1\nflow: quick\nsources: {readings: {topic: a}}\n"
        "sinks: {again: {from: readings, topic: b}}\n"
    )
    look = (
        "import sys; from flows.cli import main\n"
        f"try: main(['validate', {str(path)!r}])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print('loaded:', *sorted({'kafka', 'ssl', 'numpy', 'bytewax'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert result.stdout.splitlines()[-1].strip() == "loaded:"


def test_the_program_runs_as_a_module():
    result = subprocess.run(
        [sys.executable, "-m", "flows.cli", "validate", FLOWS[0]],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{FLOWS[0]}: ok")


def test_list_has_every_component_on_one_line():
    lines = vigie("list").output.splitlines()
    assert [line.split()[:2] for line in lines] == [[what, name] for what, name, _ in kinds()]
    for line, (_, _, cls) in zip(lines, kinds(), strict=True):
        assert cls.__doc__.strip().split("\n")[0] in line


def test_docs_of_a_component_name_every_setting_with_its_default_and_example():
    for _, name, cls in kinds():
        text = vigie("docs", name).output
        for field, info in cls.model_fields.items():
            if not hasattr(cls, "__get_pydantic_json_schema__") or "fields" not in cls.model_fields:
                assert f"| `{info.alias or field}` |" in text, (name, field)
            assert info.description.replace("|", "\\|").replace("\n", " ") in text
        for example in cls.EXAMPLES:
            assert example.rstrip() in text


def test_docs_of_a_name_that_is_source_and_sink_has_both():
    text = vigie("docs", "topic").output
    assert "### source `topic`" in text
    assert "### sink `topic`" in text
    assert "**Delivery:**" in text
    assert "**Back pressure:**" in text


def test_docs_of_an_unknown_component_names_the_nearest():
    result = vigie("docs", "dedupliacte")
    assert result.exit_code == 1
    assert "did you mean 'deduplicate'?" in result.output


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (30, "30s"), (90, "1min30s"), (5400, "1h30min"), (604800, "1w")],
)
def test_durations_are_shown_as_they_are_written(seconds, text):
    assert duration_text(seconds) == text


def matches(schema, value, root):
    """A small validator of JSON Schema, for the keywords the models make."""
    if "$ref" in schema:
        target = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return matches(target, value, root) and matches(
            {k: v for k, v in schema.items() if k != "$ref"}, value, root
        )
    kinds_ = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
        "number": (int, float),
    }  # fmt: skip
    if "type" in schema:
        wanted = kinds_[schema["type"]]
        if not isinstance(value, wanted) or (
            isinstance(value, bool) and schema["type"] != "boolean"
        ):
            return False
    if "anyOf" in schema and not any(matches(one, value, root) for one in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(matches(one, value, root) for one in schema["oneOf"]) != 1:
        return False
    if ("const" in schema and value != schema["const"]) or (
        "enum" in schema and value not in schema["enum"]
    ):
        return False
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return False
    if isinstance(value, list):
        items = schema.get("items")
        return not isinstance(items, dict) or all(matches(items, item, root) for item in value)
    if isinstance(value, dict):
        return _matches_object(schema, value, root)
    return True


def _matches_object(schema, value, root):
    known = schema.get("properties", {})
    more = schema.get("additionalProperties", True)
    for pattern, inner in schema.get("patternProperties", {}).items():
        known = {**{key: inner for key in value if re.search(pattern, key)}, **known}
    if any(key not in value for key in schema.get("required", ())):
        return False
    for key, item in value.items():
        if key in known:
            if not matches(known[key], item, root):
                return False
        elif more is False or (isinstance(more, dict) and not matches(more, item, root)):
            return False
    return True


@pytest.mark.parametrize(
    "path", [*FLOWS, str(SHIPPED / "site.yaml")], ids=lambda path: Path(path).stem
)
def test_the_schema_accepts_the_shipped_files(path):
    schema = site_schema() if path.endswith("site.yaml") else flow_schema()
    assert matches(schema, Document.read(path).root.plain(), schema)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("when: {above", "when: {abov"), ("- deduplicate: 10s", "- dedupicate: 10s"),
        ("for: 2min}", "for: 2m}"),
        ("- deduplicate: 10s", "- deduplicate: 10"), ("websocket: {channel",
        "web_socket: {channel"), ("vigie: 1", "vigie: 2"),
        ("    response: Check the probe and its Wi-Fi.\n", ""), ("priority: high",
        "priority: urgent"),
        ("topic: site.readings", "topic: site.readings\n    email: {to: a, title: b}"),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_validate_refuses(tmp_path, old, new):
    text = (SHIPPED / "server_room.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "server_room.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert load(path)[1] is None
    schema = flow_schema()
    accepted = matches(schema, Document.read(path).root.plain(), schema)
    assert not accepted


def test_the_schema_describes_every_key_for_the_editor():
    for schema in (flow_schema(), site_schema()):
        assert schema["$schema"].startswith("https://json-schema.org/")
        for name, definition in schema["$defs"].items():
            for key, value in definition.get("properties", {}).items():
                assert value.get("description") or "$ref" in value, f"{name}.{key}"


def test_schema_writes_a_file(tmp_path):
    assert vigie("schema", "-o", tmp_path / "flow.json").exit_code == 0
    assert json.loads((tmp_path / "flow.json").read_text()) == flow_schema()
    assert json.loads(vigie("schema", "--site").output) == site_schema()


def test_mermaid_has_every_name_and_the_topics_that_join_flows():
    text = vigie("graph", *FLOWS).output
    assert text.startswith("flowchart LR\n")
    for path in FLOWS:
        _, flow = load(path)
        assert f"subgraph flow_{flow.flow} [{flow.flow}]" in text
        for name in (*flow.sources, *flow.streams, *flow.alarms, *flow.sinks):
            assert f'"{name}<br/>' in text, name
    number = re.search(r'(n\d+)\[\("site\.readings"\)\]', text)[1]
    assert len(re.findall(rf"--> {number}$", text, re.M)) == 1
    assert len(re.findall(rf"^  {number} -->", text, re.M)) == 2
    for line in text.splitlines()[1:]:
        assert re.fullmatch(
            r' *(subgraph \w+ \[\w+\]|end|n\d+\W+"[^"]*"\W+:::\w+|n\d+ -->(\|"[^"]*"\|)?'
            r" n\d+|classDef .*)",
            line,
        ), line


def test_svg_is_a_picture_in_which_boxes_do_not_overlap(tmp_path):
    target = tmp_path / "flows.drawing.svg"
    assert vigie("graph", *FLOWS, "-o", target).exit_code == 0
    root = ET.fromstring(target.read_text(encoding="utf-8"))
    space = "{http://www.w3.org/2000/svg}"
    boxes = [group.find(f"{space}rect") for group in root.findall(f"{space}g")]
    places = [tuple(float(box.get(key)) for key in ("x", "y", "width", "height")) for box in boxes]
    assert len(places) > 40
    wide, high = float(root.get("width")), float(root.get("height"))
    for number, (x, y, w, h) in enumerate(places):
        assert 0 <= x <= x + w <= wide
        assert 0 <= y <= y + h <= high
        for x2, y2, w2, h2 in places[number + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    texts = {text.text for text in root.iter(f"{space}text")}
    assert {"too_hot", "deduplicate: 10s", "site.readings", "vigie.alarms", "server_room"} <= texts


def test_a_picture_shows_no_password(tmp_path):
    path = tmp_path / "cams.yaml"
    path.write_text(
        "vigie: 1\nflow: cams\ntables: {cams: [{name: a, host: b}]}\nsources:\n  video: {rtsp:"
        ' {each: cams, url: "rtsp://u:s3cret@{host}"}}\nsinks:\n  log: {from: video, topic: log}\n'
    )
    for form in ("svg", "mermaid"):
        result = vigie("graph", path, "--format", form)
        assert result.exit_code == 0
        assert "s3cret" not in result.output


def test_graph_refuses_definitions_with_errors_and_the_same_flow_twice(tmp_path):
    (tmp_path / "bad.yaml").write_text("vigie: 1\n")
    assert "error" in vigie("graph", tmp_path / "bad.yaml").output
    assert vigie("graph", FLOWS[0], FLOWS[0]).exit_code == 1


def test_circles_between_flows_are_drawn_too():
    sizes = dict.fromkeys("abc", (10.0, 10.0))
    placed = layered(sizes, [("a", "b"), ("b", "c"), ("c", "a"), ("a", "a")])
    assert [placed.boxes[name][0] for name in "abc"] == [0.0, 70.0, 140.0]
    assert len(placed.routes) == 4
