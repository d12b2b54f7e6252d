"""Definitions that are right: the shipped ones, the examples of every component, and mutations
of both.
"""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flows
from connectors.config.document import Document
from connectors.config.site import read_site
from flows.commands.validate import check
from flows.language.catalogue import OPERATORS, SINKS, SOURCES, kinds
from flows.language.lock import identities, lock_path, next_lock, read_lock
from flows.loader import build, load

SHIPPED = Path(flows.__file__).parent / "definitions"
FLOWS = sorted(path for path in SHIPPED.glob("*.yaml") if path.name != "site.yaml")
BAD = Path(__file__).parents[2] / "data" / "bad"


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_shipped_definition_has_neither_errors_nor_warnings(path):
    document, flow = load(path)
    assert document.report() == ""
    assert flow is not None
    assert flow.flow == path.stem
    assert flow.tests


def test_the_shipped_site_file_is_right():
    document, site = read_site(SHIPPED / "site.yaml")
    assert document.report() == ""
    assert site is not None
    assert site.timezone == "Europe/Paris"


def test_a_shipped_lock_names_all_state_of_its_flow():
    locks = list(SHIPPED.glob("*.lock"))
    assert locks
    for path in locks:
        _, flow = load(path.with_suffix(".yaml"))
        assert lock_path(path.with_suffix(".yaml"), flow) == path
        assert next_lock(flow, read_lock(path)).dumps() == path.read_text(encoding="utf-8")


def test_the_server_room_payload_is_the_one_its_clients_know():
    _, flow = load(SHIPPED / "server_room.yaml")
    assert flow.sinks["live"].shape == {
        "entity_id": "{subject}",
        "state": "{raw}",
        "date_heure": "{time}",
    }


def test_the_archive_keeps_what_the_shipped_flows_write():
    written = set()
    for path in FLOWS:
        _, flow = load(path)
        written |= {sink.settings.name for sink in flow.sinks.values() if sink.kind == "topic"}
    _, archive = load(SHIPPED / "archive.yaml")
    assert {"site.readings", "home.readings", "site.events"} <= written
    assert archive.sources["happened"].settings.name == "site.events"
    assert archive.sources["measured"].settings.name == ["site.readings", "home.readings"]
    assert archive.sources["changes"].settings.name == "vigie.alarms"
    assert {sink.settings.table for sink in archive.sinks.values()} == {
        "readings",
        "alarm_events",
        "events",
    }


CAMERAS = '{rtsp: {each: cams, url: "rtsp://{host}"}}'
LOOK = ["      - detect: {model: m, classes: [person]}", "      - track: 3s"]
TOPIC = "{topic: {name: a, table: true}}"


def around(what, example):
    """A whole definition with one component in it."""
    body = example.strip("\n")
    roles = "{a: probe, b: probe}" if re.match(r"combine|correlate|mode", body) else "probe"
    if named := re.search(r"(?:without|role): (\w+)", body):
        roles = f"{{a: probe, {named[1]}: probe}}"
    if what == "alarm":
        alarm = re.sub(r"^from:.*$", "from: probe", body, flags=re.M)
        alarm = re.sub(r"suppressed_by:.*", "suppressed_by: [other]", alarm)
        alarm = alarm.replace("rules: rules", "rules: probe")
        parts = ["alarms:", "  example:", _indented(alarm, 4)]
        parts += ["  other: {from: probe, when: {seen: 1min}, response: Look.}"]
    elif what == "source":
        parts = ["streams:", "  reading: {from: example, steps: [{deduplicate: 1s}]}"]
    elif what == "step":
        parts = [
            "streams:",
            "  example:",
            f"    from: {roles}",
            "    steps:",
            *(LOOK if "loading" in body else []),
            "      - " + _indented(body, 8).lstrip(),
        ]
    else:
        parts = ["sinks:", "  example:", "    from: probe", _indented(body, 4)]
    tables = "tables:\n" + "".join(
        f"  {name}: [{{name: a, host: b, path: c}}, {{name: yard, host: b, path: c}}]\n"
        for name in _tables(body)
    )
    source = _indented(body, 4) if what == "source" else ""
    return "\n".join(
        [
            "vigie: 1", "flow: example", tables if _tables(body) else "",
            "recipes: {clean_readings: [{deduplicate: 1s}]}" if body.startswith("use") else "",
            "zones: {loading: {camera: a, points: [[0, 0], [1, 0], [1, 1]]}}" if "loading" in body else "",
            "sources:",
            f"  probe: {CAMERAS if 'loading' in body else TOPIC}",
            *(f"  {table}: {TOPIC}" for table in re.findall(r"^enrich: {from: (\w+)", body)),
            *(["  example:", source] if source else []), *parts, "",
        ]
    )  # fmt: skip


def _tables(body):
    if "loading" in body:
        return ["cams"]
    return (
        re.findall(r"(?:lookup: |table: |each: )([a-z_]+)", body)
        if not body.startswith("clickhouse")
        else []
    )


def _indented(text, spaces):
    return "\n".join(" " * spaces + line if line else line for line in text.split("\n"))


EXAMPLES = [(what, name, example) for what, name, cls in kinds() for example in cls.EXAMPLES]


@pytest.mark.parametrize(
    ("what", "name", "example"),
    EXAMPLES,
    ids=[f"{what}-{name}-{n}" for n, (what, name, _) in enumerate(EXAMPLES)],
)
def test_the_example_of_a_component_is_valid_in_a_definition(tmp_path, what, name, example):
    assert what == "alarm" or example.startswith(f"{name}:")
    path = tmp_path / "example.yaml"
    text = around(what, example)
    if name == "combine":
        text = re.sub(
            r"from: \{a: probe, b: probe\}",
            f"from: {{{', '.join(f'{r}: probe' for r in _roles(example))}}}",
            text,
        )
    path.write_text(text, encoding="utf-8")
    document, flow = load(path)
    assert document.errors == [], document.report() + text
    assert flow is not None


def _roles(example):
    return dict.fromkeys(
        re.findall(r"\w+", " ".join(re.findall(r"(?:plus|minus): \[([^]]*)]", example)))
    )


def test_every_component_has_a_name_documentation_and_an_example():
    for what, name, cls in kinds():
        assert name == cls.NAME, cls
        assert cls.__doc__, name
        assert len(cls.__doc__.strip().split("\n")[0]) > 20, name
        assert cls.EXAMPLES, name
        for field, info in cls.model_fields.items():
            assert info.description, f"{what} {name}.{field}"
    for connectors in (SOURCES, SINKS):
        for name, cls in connectors.items():
            assert re.search(r"^\s*Delivery:", cls.__doc__, re.M), name
            assert re.search(r"^\s*Back pressure:", cls.__doc__, re.M), name


def test_the_grammar_has_all_its_components():
    assert list(SOURCES) == [
        "mariadb_binlog", "mqtt", "rtsp", "http", "simulate", "topic", "announcements",
    ]  # fmt: skip
    assert list(OPERATORS) == [
        "decode", "only", "drop", "label", "rename", "convert", "shape", "translate", "scale",
        "pick", "lookup", "enrich",
        "severity", "deduplicate", "threshold", "debounce", "window", "rate", "counter", "silence",
        "stale", "vote", "combine",
        "correlate", "mode", "notify", "motion_gate", "detect", "track", "zones", "use",
    ]  # fmt: skip
    assert list(SINKS) == [
        "topic", "clickhouse", "influxdb", "objects", "snapshot", "clip", "websocket", "webhook",
        "mqtt", "email", "apprise",
    ]  # fmt: skip


TEXTS = [path.read_text(encoding="utf-8") for path in (*FLOWS, SHIPPED / "site.yaml")]
PIECES = [
    "", " ", "\n", "\t", ":", ": ", "- ", "{", "}", "[", "]", ",", "'",
    '"', "#", "&a ", "*a", "!!x ", "<<: ", "|\n",
    ">\n", "%", "@", "`", "? ", "---\n", "...\n", "null", "~", "true", "-1", "1e400", ".nan",
    "0x1f", "${A", "${A}",
    "{value", "{{", "\x00", "\x85", "\u2028", "\ud83d\ude00".encode("utf-16",
    "surrogatepass").decode("utf-16"), "°",
    "from", "steps: []", "use: clean", "alarms", "a.errors", "5s", "9" * 30, "0s", "-5s",
    "{column: x}", "[]", "{}",
    "[[[[", "  ", "\r", "é",
]  # fmt: skip


@st.composite
def mutated(draw):
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        how = draw(st.sampled_from(["insert", "delete", "swap", "line", "value"]))
        length = draw(st.integers(0, 40))
        if how == "insert":
            text = text[:start] + draw(st.sampled_from(PIECES)) + text[start:]
        elif how == "delete":
            text = text[:start] + text[start + length :]
        elif how == "swap":
            other = draw(st.integers(0, len(text)))
            text = text[:start] + text[other : other + length] + text[start:]
        elif how == "line":
            lines = text.split("\n")
            index = draw(st.integers(0, len(lines) - 1))
            lines.insert(draw(st.integers(0, len(lines))), lines.pop(index))
            text = "\n".join(lines)
        else:
            spans = [match.span(1) for match in re.finditer(r": ([^\n,}]+)", text)]
            if spans:
                left, right = draw(st.sampled_from(spans))
                text = text[:left] + draw(st.sampled_from(PIECES)) + text[right:]
    return text


def read(text):
    document = Document(SHIPPED / "mutated.yaml")
    document.root = document.parse(text)
    return document, check(document)


def assert_told(document, subject):
    assert subject is not None or document.errors
    for problem in document.problems:
        assert 0 <= problem.place.line <= max(0, len(problem.place.file.lines) - 1)
        assert problem.place.column >= 0
        assert problem.message
        assert "\n" not in problem.message
        str(problem)


@pytest.mark.slow
@settings(max_examples=250)
@given(mutated())
def test_a_mutated_definition_is_read_or_refused_but_never_crashes(text):
    assert_told(*read(text))


@settings(max_examples=150)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_but_never_crash(data):
    document = Document(SHIPPED / "mutated.yaml")
    document.root = document.parse(data.decode("utf-8", "surrogateescape"))
    assert_told(document, check(document))


KEYS = ["a", "from", "steps", *OPERATORS]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False,
    allow_infinity=False) | st.sampled_from(PIECES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner,
    max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=250)
@given(st.data())
def test_any_value_in_any_place_is_read_or_refused_but_never_crashes(data):
    document = Document(SHIPPED / "mutated.yaml")
    document.root = document.parse(data.draw(st.sampled_from(TEXTS)))
    paths = [path for path, _ in document.root.walk() if path]
    tree = document.root.plain()
    path = data.draw(st.sampled_from(paths))
    inner = tree
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = data.draw(values)
    assert_told(*read(json.dumps(tree, ensure_ascii=data.draw(st.booleans()))))


def test_identities_do_not_depend_on_order_limits_or_stateless_steps():
    text = (SHIPPED / "server_room.yaml").read_text(encoding="utf-8")
    changed = (
        text.replace("above: 30 °C", "above: 35 °C")
        .replace("recorder:", "database:")
        .replace("from: recorder", "from: database")
    )
    changed = changed.replace("{recorder:", "{database:")
    changed = changed.replace(
        "      - deduplicate: 10s\n", "      - drop: {quality: bad}\n      - deduplicate: 20s\n"
    )
    for one in (text, changed):
        document = Document(SHIPPED / "server_room.yaml")
        document.root = document.parse(one)
        flow = build(document)
        assert set(identities(flow)) == set(read_lock(SHIPPED / "server_room.lock").state)
