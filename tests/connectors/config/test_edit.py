import pytest

from connectors.config.edit import NotEditable, with_value

SITE = """\
# the plant
vigie: 1
connections:
  redpanda:
    brokers: [a:1]   # ours
    prefix: ""
  mqtt: {url: "mqtt://b"}
watch: {}
"""
KEEP = ("connections", "redpanda", "topics", "sensors", "keep")


def test_a_value_is_made_where_it_is_not_there_and_then_replaced() -> None:
    made = with_value(SITE, KEEP, "30d")
    assert made == SITE.replace(
        '    prefix: ""\n', '    prefix: ""\n    topics: {sensors: {keep: 30d}}\n'
    )
    assert with_value(made, KEEP, "5h") == made.replace("30d", "5h")
    other = ("connections", "redpanda", "topics", "doors", "keep")
    assert "topics: {sensors: {keep: 30d}, doors: {keep: 1d}}" in with_value(made, other, "1d")
    assert with_value(SITE, ("watch", "mail"), "[]").endswith("watch: {mail: []}\n")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("clickhouse: readings", "clickhouse: {table: readings, keep: 90d}"),
        ("clickhouse: {table: readings}", "clickhouse: {table: readings, keep: 90d}"),
        (
            "clickhouse: {table: readings, keep: '30d'} # a",
            "clickhouse: {table: readings, keep: 90d} # a",
        ),
        (
            "clickhouse:\n      table: r # b",
            "clickhouse:\n      table: r # b\n      keep: 90d",
        ),
        (
            "clickhouse:\n      keep: 30d\n      table: r",
            "clickhouse:\n      keep: 90d\n      table: r",
        ),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\n  other: {from: a, websocket: b}\n"])
def test_a_component_is_edited_in_whatever_form_it_stands(
    written: str, wanted: str, end: str
) -> None:
    text = f"sinks:\n  kept:\n    from: a\n    {written}"
    edited = with_value(text + end, ("sinks", "kept", "clickhouse", "keep"), "90d", "table")
    assert edited == f"sinks:\n  kept:\n    from: a\n    {wanted}{end}"


def test_what_is_no_map_is_left_alone() -> None:
    with pytest.raises(NotEditable, match="expected a map of keys at watch"):
        with_value("watch: [1]", ("watch", "mail"), "x")
    with pytest.raises(NotEditable, match=r"sinks.other is not in this file"):
        with_value("sinks: {a: b}", ("sinks", "other", "keep"), "1d", there=2)
    with pytest.raises(NotEditable, match=r"watch.mail is no single value"):
        with_value("watch: {mail: [a]}", ("watch", "mail"), "x")
