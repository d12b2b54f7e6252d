"""The sensors' messages kept whole, and read back from what their bridge posts."""

import msgspec
import pytest

from operators.component import Now, StepContext
from operators.decoding.logic import DecodeLogic
from operators.decoding.step import Decode
from operators.events import Event, Message, Occurrence, Reading

MOTION = {
    "event_id": "e-1", "device_id": "pi-1", "source": "sensor-motion", "type": "MOTION_DETECTED",
    "data": {"presence": True, "gpio_pin": 17}, "timestamp": 1734567890,
}  # fmt: skip


def decode(
    body: object, as_: str = "auto", topic: str = "api/events"
) -> tuple[list[Event], DecodeLogic]:
    logic = Decode.model_validate(as_).logic(StepContext("f", "f/s/decode"))
    payload = body if isinstance(body, bytes) else msgspec.json.encode(body)
    message = Message(id="m", time=1_795_000_000.0, topic=topic, payload=payload)
    return logic.on_batch([message], Now(0, 0)), logic


@pytest.mark.parametrize("presence", [True, False, None])
def test_a_kept_message_is_one_occurrence_whatever_it_says(presence: bool | None) -> None:
    sent = {**MOTION, "data": {"presence": presence}}
    (event,), _ = decode(sent, "envelope", "sensor/motion")
    assert isinstance(event, Occurrence)
    assert (event.id, event.subject, event.type, event.time) == (
        "e-1",
        "pi-1",
        "motion_detected",
        1_795_000_000.0,
    )
    assert event.data == sent and event.topic == "sensor/motion" and event.source == "sensor-motion"


@pytest.mark.parametrize("stamp", [b"1734567890", b"1734567890.123", b"1734567890.0"])
def test_a_kept_timestamp_is_the_number_it_was(stamp: bytes) -> None:
    (event,), _ = decode(b'{"device_id":"a","type":"X","timestamp":' + stamp + b"}", "envelope")
    assert isinstance(event, Occurrence)
    assert msgspec.json.encode(event.data["timestamp"]) == stamp and event.type == "x"


def test_what_is_no_envelope_is_refused_with_its_reason() -> None:
    for body, reason in (
        (b"not json", "bad_json"),
        (b"[1]", "bad_shape"),
        (b'{"type":"X"}', "bad_shape"),
    ):
        events, logic = decode(body, "envelope")
        assert not events and [letter.reason for letter in logic.errors] == [reason]


@pytest.mark.parametrize("as_", ["auto", "pir_envelope"])
def test_what_the_bridge_posts_is_read_as_the_message_it_was_made_from(as_: str) -> None:
    details = {
        "event_id": "e-1", "source": "sensor-motion", "data": MOTION["data"],
        "original_timestamp": 1734567890,
        "mqtt_topic": "sensor/motion",
    }  # fmt: skip
    posted, _ = decode({"type": "motion_detected", "device_id": "pi-1", "details": details}, as_)
    sent, _ = decode(MOTION, as_, "sensor/motion")
    assert posted == sent
    reading, occurrence = posted
    assert isinstance(reading, Reading) and (reading.metric, reading.value) == ("motion", 1.0)
    assert (
        isinstance(occurrence, Occurrence)
        and occurrence.id == "e-1"
        and occurrence.time == 1734567890.0
    )
