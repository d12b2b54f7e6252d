"""What a Homie device says of a property on topics of its own decides how its values are read."""

import pytest

from operators.component import Now
from operators.decoding.logic import DecodeLogic
from operators.events import Reading
from operators.model.saved_state import decode as decode_state
from operators.model.saved_state import encode as encode_state
from tests.operators.decoding.test_step import T, logic, message

TOPIC = "homie/garden/air/temperature"


def read(decoder: DecodeLogic, topic: str, payload: str) -> list[tuple[str, float | None, str]]:
    return [
        (event.metric, None if event.value is None else round(event.value, 6), event.unit or "")
        for event in decoder.on_batch([message(topic, payload)], Now(T, T))
        if isinstance(event, Reading)
    ]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("°F", ("temperature", 20.0, "°C")),
        ("K", ("temperature", -205.15, "°C")),
        ("#", ("value", 68.0, "#")),
        ("", ("temperature", 68.0, "°C")),
    ],
)
def test_a_value_is_read_in_the_unit_that_its_property_states(
    unit: str, expected: tuple[str, float, str]
) -> None:
    decoder = logic("auto")
    assert read(decoder, f"{TOPIC}/$unit", unit) == []
    assert read(decoder, TOPIC, "68") == [expected]
    assert not decoder.errors


def test_a_unit_is_known_after_a_restart_until_it_is_cleared() -> None:
    decoder, again = logic("auto"), logic("auto")
    read(decoder, f"{TOPIC}/$unit", "°F")
    again.restore(decode_state(encode_state(decoder.snapshot())), again.VERSION)
    assert read(again, TOPIC, "68") == [("temperature", 20.0, "°C")]
    read(again, f"{TOPIC}/$unit", "")
    assert read(again, TOPIC, "20") == [("temperature", 20.0, "°C")]
