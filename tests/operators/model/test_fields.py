import pytest

from operators.events import Detection, Row, Summary
from operators.model.fields import field, text, time_text, value_of, with_field
from tests.operators.shard import occurrence, reading


def test_an_attribute_comes_before_a_label_and_a_label_before_data() -> None:
    event = occurrence(
        0,
        "press",
        labels={"type": "label", "area": "yard"},
        data={"area": "data", "pressure": "high"},
    )
    assert field(event, "type") == "press"
    assert field(event, "area") == "yard"
    assert field(event, "pressure") == "high"
    assert field(event, "nothing") is None


def test_an_attribute_without_a_value_leaves_the_name_to_the_labels() -> None:
    assert field(reading(0, 1.0, labels={"topic": "from label"}), "topic") == "from label"


def test_names_with_dots_look_inside_labels_and_data() -> None:
    event = occurrence(0, "press", labels={"area": "yard"}, data={"data": 1, "pin": {"number": 17}})
    assert field(event, "label.area") == "yard"
    assert field(event, "data.pin.number") == 17
    assert field(event, "data.pin.missing.more") is None


def test_names_of_definitions_differ_from_names_of_python() -> None:
    seen = Detection(id="d", time=0, subject="gate", class_="person", score=0.9, box=(0, 0, 1, 1))
    assert field(seen, "class") == "person"
    assert field(seen, "camera") == "gate"
    assert field(reading(0, 1.0), "camera") is None


def test_statistics_and_columns_are_fields() -> None:
    assert (
        field(
            Summary(id="s", time=1, start=0, subject="a", metric="m", values={"mean": 2.0}), "mean"
        )
        == 2.0
    )
    assert (
        field(Row(id="r", time=1, table="t", op="insert", values={"state": "on"}), "state") == "on"
    )


def test_setting_a_field_leaves_the_event_as_it_was() -> None:
    event = occurrence(0, "PRESS", data={"pressure": "high"})
    assert field(with_field(event, "type", "press"), "type") == "press"
    assert field(with_field(event, "pressure", "low"), "pressure") == "low"
    assert field(with_field(event, "colour", "red"), "label.colour") == "red"
    assert event == occurrence(0, "PRESS", data={"pressure": "high"})


def test_a_word_set_as_value_becomes_the_number_of_its_metric() -> None:
    assert with_field(reading(0, None, metric="door"), "value", "open").value == 1.0  # type: ignore[union-attr]
    heated = with_field(reading(0, None, metric="mode"), "value", "heat")
    assert (heated.value, heated.text) == (None, "heat")  # type: ignore[union-attr]


def test_an_object_cannot_be_replaced_by_a_word() -> None:
    with pytest.raises(ValueError, match="holds an object"):
        with_field(occurrence(0, "press"), "data", "high")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (31.0, "31"),
        (31.5, "31.5"),
        (None, ""),
        (True, "true"),
        ({"a": 1}, '{"a":1}'),
        (7, "7"),
        (1e300, "1e+300"),
    ],
)
def test_values_as_text(value: object, expected: str) -> None:
    assert text(value) == expected


def test_times_are_written_with_milliseconds_in_utc() -> None:
    assert time_text(1767639600.0) == "2026-01-05T19:00:00.000Z"
    assert time_text(1767639599.9996) == "2026-01-05T19:00:00.000Z"


def test_two_state_values_read_as_words() -> None:
    assert value_of(reading(0, 1.0, metric="door")) == "open"
    assert value_of(reading(0, 0.0, metric="temperature_above")) == "off"
    assert value_of(reading(0, 1.0)) == 1.0
    assert value_of(reading(0, None, text="heat")) == "heat"
