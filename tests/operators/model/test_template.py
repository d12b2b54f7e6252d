from zoneinfo import ZoneInfo

import pytest

from connectors.email.message import MailText
from operators.events import AlarmTransition
from operators.model.template import Shape, Template
from tests.operators.shard import occurrence, reading

HOT = reading(1767639600.25, 31.0, unit="°C", labels={"area": "yard"})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{subject} at {value} {unit}", "rack at 31 °C"),
        ("{value:.1f}", "31.0"),
        ("{value:d} degrees", "31 degrees"),
        ("evt_{time:%Y%m%d_%H%M%S}.jpg", "evt_20260105_190000.jpg"),
        ("{time}", "2026-01-05T19:00:00.250Z"),
        ("{time:epoch}", 1767639600.25),
        ("at {time:epoch}", "at 1767639600.25"),
        ("{area}/{nothing}/x", "yard//x"),
        ("{nothing}", None),
        ("{raw}", "31"),
        ("{{{value}}}", "{31}"),
        ("", ""),
    ],
)
def test_a_text_is_rendered(source: str, expected: object) -> None:
    assert Template(source).render(HOT) == expected


def test_a_sole_placeholder_keeps_the_type_of_the_field() -> None:
    assert Template("{value}").render(reading(0, 31.0)) == 31.0
    assert Template("{data}").render(occurrence(0, "press", data={"pin": 17})) == {"pin": 17}


def test_two_state_values_are_words() -> None:
    assert Template("{value}").render(reading(0, 1.0, metric="motion")) == "on"
    assert Template("door {value}").render(reading(0, 0.0, metric="door")) == "door closed"


def test_the_raw_state_is_kept_to_the_letter() -> None:
    assert Template("{raw}").render(reading(0, 31.0, raw="31.00")) == "31.00"
    assert Template("{raw}").render(reading(0, None, text="unavailable")) == "unavailable"


def test_times_follow_the_time_zone_given() -> None:
    assert Template("{time:%H:%M}", ZoneInfo("Europe/Paris")).render(HOT) == "20:00"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{subject", "not closed"),
        ("subject}", "without an opening"),
        ("{}", "write a field's name"),
        ("{value:nonsense}", "not a format of a number"),
        ("{time:soon}", "not a format of a time"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Template(source)


def test_placeholders_are_listed() -> None:
    assert Template("{subject}: {time:%H} {value:.1f}").placeholders() == [
        "subject",
        "time",
        "value",
    ]
    assert Shape({"a": "{subject}", "b": {"c": ["{value}"]}}).placeholders() == ["subject", "value"]


def test_a_shape_keeps_its_form() -> None:
    shape = Shape(
        {
            "id": "{subject}",
            "details": {"value": "{value}", "list": ["{unit}", 3]},
            "kind": "sensor",
            "n": 1,
        }
    )
    assert shape.render(HOT) == {
        "id": "rack",
        "details": {"value": 31.0, "list": ["°C", 3]},
        "kind": "sensor",
        "n": 1,
    }


def test_an_alarm_of_a_door_says_the_word_of_its_state() -> None:
    opened = AlarmTransition(
        id="a1", time=0.0, recorded=0.0, rule="f/door_open", alarm="door_open", subject="freezer",
        occ=1, seq=1,
        event="activated", change="raised", state="unacked", isa="B", value=0.0, limit=0.0,
        metric="contact",
    )  # fmt: skip
    assert Template("{alarm}: {subject} {value}").render(opened) == "door_open: freezer open"
    body = MailText("{alarm}", None).body([opened])
    assert [line.split() for line in body.splitlines() if line.startswith("value")] == [
        ["value:", "open"]
    ]
    assert "limit" not in body
