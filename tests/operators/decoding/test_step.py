"""What the decode step does beside the dialects: refusals, ids, times, rows, and what passes
unchanged.
"""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from operators.component import Now, StepContext
from operators.decoding.catalogue import NAMES
from operators.decoding.logic import DecodeLogic
from operators.decoding.step import Decode
from operators.events import (
    DeadLetter,
    Event,
    Message,
    Occurrence,
    Reading,
    Row,
    decode_lines,
    encode_lines,
)

T = 1772366400.0


def logic(codec: str = "auto", **settings: Any) -> DecodeLogic:
    return Decode.model_validate({"as": codec, **settings}).logic(
        StepContext(flow="f", step="f/s/decode")
    )


def decode(
    topic: str, payload: Any, codec: str = "auto", retained: bool = False, **settings: Any
) -> list[Event]:
    decoder = logic(codec, **settings)
    events = decoder.on_batch([message(topic, payload, retained)], Now(T, T))
    assert decoder.errors == []
    return events


def message(topic: str, payload: Any, retained: bool = False, id: str = "m7") -> Message:
    raw = (
        payload
        if isinstance(payload, bytes)
        else payload.encode()
        if isinstance(payload, str)
        else json.dumps(payload).encode()
    )
    return Message(
        id=id, time=T, topic=topic, payload=raw, retained=retained, labels={"area": "yard"}
    )


def refused(topic: str, payload: Any, codec: str = "auto") -> DeadLetter:
    decoder = logic(codec)
    assert decoder.on_batch([message(topic, payload)], Now(T, T)) == []
    (letter,) = decoder.errors
    assert decoder.counts == {letter.reason: 1}
    return letter


def state_row(
    state: Any,
    entity: str | None = "sensor.rack",
    shared: Any = None,
    op: str = "insert",
    **columns: Any,
) -> Row:
    values = {"state_id": 5, "state": state, "metadata_id": 7, "last_updated_ts": T - 1, **columns}
    values |= {"entity_id": entity, "shared_attrs": shared}
    return Row(id="bin.1:42", time=T, table="homeassistant.states", op=op, values=values)  # type: ignore[arg-type]


def test_the_short_form_names_the_codec() -> None:
    assert Decode.model_validate("zigbee2mqtt").as_ == "zigbee2mqtt"
    with pytest.raises(ValidationError, match="home_assistant_recorder"):
        Decode.model_validate("zigbe2mqtt")


def test_every_dialect_has_a_codec_name() -> None:
    for name in NAMES:
        assert Decode.model_validate(name).as_ == name


def test_readings_carry_ids_of_their_message_and_its_topic_and_labels() -> None:
    first, second = decode("zigbee2mqtt/cave", {"temperature": "12.10", "humidity": 40})
    assert first == Reading(
        id="m7.0", time=T, subject="cave", metric="temperature", value=12.1, unit="°C",
        labels={"area": "yard"}, topic="zigbee2mqtt/cave", raw="12.10",
    )  # fmt: skip
    assert (second.id, second.raw) == ("m7.1", None)


def test_an_envelope_has_its_own_id_and_so_has_its_reading() -> None:
    envelope = {
        "event_id": "e-1", "device_id": "pi", "source": "sensor-motion", "type": "MOTION_DETECTED",
        "data": {"presence": True}, "timestamp": 1734567890.123,
    }  # fmt: skip
    reading, occurrence = decode("sensor/motion", envelope, "pir_envelope")
    assert isinstance(reading, Reading)
    assert isinstance(occurrence, Occurrence)
    assert (reading.id, reading.metric, reading.value) == ("e-1.motion", "motion", 1.0)
    assert (occurrence.id, occurrence.type, occurrence.source) == (
        "e-1",
        "motion_detected",
        "sensor-motion",
    )
    assert occurrence.time == pytest.approx(1734567890.123)
    assert occurrence.data == {"presence": True, "event_id": "e-1"}
    assert occurrence.topic == "sensor/motion"


def test_a_new_kind_of_envelope_keeps_its_type_in_lower_case() -> None:
    envelope = {
        "event_id": "e-2",
        "device_id": "pi",
        "type": "DOOR_FORCED",
        "data": {},
        "timestamp": T,
    }
    (occurrence,) = decode("sensor/door", envelope, "pir_envelope")
    assert isinstance(occurrence, Occurrence)
    assert occurrence.type == "door_forced"


def test_what_is_decoded_already_passes_unchanged() -> None:
    reading = Reading(id="r", time=T, subject="mains", metric="power", value=6.2, unit="kW")
    occurrence = Occurrence(id="o", time=T, subject="mains", type="restarted")
    assert logic("zigbee2mqtt").on_batch([reading, occurrence], Now(T, T)) == [reading, occurrence]


def test_a_recorder_row_keeps_the_exact_text_of_its_state() -> None:
    row = state_row("21.50", shared='{"device_class":"temperature","unit_of_measurement":"°F"}')
    (reading,) = logic("home_assistant_recorder").on_batch([row], Now(T, T))
    assert isinstance(reading, Reading)
    assert (reading.id, reading.subject, reading.raw, reading.unit) == (
        "bin.1:42.0",
        "sensor.rack",
        "21.50",
        "°C",
    )
    assert reading.value == pytest.approx((21.5 - 32) / 1.8)
    assert reading.time == T - 1


@pytest.mark.parametrize(
    "shared", [None, {}, "", "{", b'{"device_class": "temperature"}', 7, "[]", "null"]
)
def test_attributes_of_any_form_do_not_stop_a_row(shared: Any) -> None:
    (reading,) = logic("home_assistant_recorder").on_batch(
        [state_row("21.5", "sensor.a_temperature", shared)], Now(T, T)
    )
    assert isinstance(reading, Reading)
    assert (reading.metric, reading.value) == ("temperature", 21.5)


def test_a_row_of_an_unknown_entity_is_unresolved_with_its_columns() -> None:
    decoder = logic("home_assistant_recorder")
    assert decoder.on_batch([state_row("21.5", None)], Now(T, T)) == []
    (letter,) = decoder.errors
    assert (letter.reason, letter.origin) == ("unresolved", "homeassistant.states")
    assert "7" in letter.detail
    assert json.loads(letter.payload)["state"] == "21.5"


def test_deletes_and_other_tables_of_the_recorder_are_left_out() -> None:
    decoder = logic("home_assistant_recorder")
    rows = [
        state_row("21.5", op="delete"),
        Row(id="x", time=T, table="ha.states_meta", op="insert", values={}),
    ]
    assert decoder.on_batch(rows, Now(T, T)) == []
    assert (decoder.counts, decoder.errors) == ({"ignored": 2}, [])


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("zigbee2mqtt/cave", b'{"a":"' + b"x" * 262144 + b'"}', "too_large"),
        ("zigbee2mqtt/cave/set", b"x" * 262145, "too_large"),
        ("zigbee2mqtt/cave", b'{"a":"\xff"}', "not_utf8"),
        ("zigbee2mqtt/cave", "not json", "bad_json"),
        ("zigbee2mqtt/cave", b"[" * 100_000, "bad_json"),
        ("zigbee2mqtt/cave", b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        ("zigbee2mqtt/cave", b"[" * 33 + b"]" * 33, "too_deep"),
        ("zigbee2mqtt/cave", b"[" * 32 + b"]" * 32, "bad_shape"),
        ("zigbee2mqtt/cave", "42", "bad_shape"),
        ("farm/gate/blob", "[1", "bad_json"),
        ("farm/gate/blob", '"quoted"', "unrecognised"),
        ("farm/gate/blob", '"open', "unrecognised"),
        (
            "farm/gate/blob",
            {"specversion": "2.0", "id": "1", "source": "s", "type": "t"},
            "unsupported",
        ),
        ("farm/gate/blob", [{"bn": "x", "v": 1, "must_": 1}], "unsupported"),
        ("farm/gate/blob", [{"bn": "x", "v": 1}, 5], "bad_shape"),
        ("spBv1.0/a/NBIRTH/b", b"\xff\xfe", "unsupported"),
        ("homeassistant.states", {"op": "insert"}, "bad_shape"),
    ],
)
def test_what_cannot_be_decoded_is_set_aside_with_its_reason(
    topic: str, payload: Any, reason: str
) -> None:
    letter = refused(topic, payload)
    assert letter.reason == reason
    assert (letter.id, letter.origin, letter.flow, letter.step) == ("m7", topic, "f", "f/s/decode")
    assert letter.payload == message(topic, payload).payload
    assert "expected" in letter.detail
    assert len(letter.detail) < 300


@pytest.mark.parametrize(
    ("codec", "topic", "payload", "reason"),
    [
        ("pir_envelope", "sensor/motion", "not json", "bad_json"),
        ("home_assistant_recorder", "x", "not json", "bad_json"),
        ("tasmota", "zigbee2mqtt/cave", {"temperature": 1}, "unrecognised"),
        ("senml", "t", {"n": "x"}, "bad_shape"),
        ("json", "a/b", {"foo": 1}, "unrecognised"),
        ("sparkplug_b", "a/b", {"foo": 1}, "unsupported"),
    ],
)
def test_a_named_codec_refuses_what_it_does_not_speak(
    codec: str, topic: str, payload: Any, reason: str
) -> None:
    assert refused(topic, payload, codec).reason == reason


def test_a_named_codec_takes_any_base_topic() -> None:
    (reading,) = decode("home/zb", {"temperature": 3}, "zigbee2mqtt")
    assert isinstance(reading, Reading)
    assert reading.subject == "zb"
    (online,) = decode("upstairs/status", "online", "esphome")
    assert isinstance(online, Reading)
    assert (online.subject, online.metric) == ("upstairs", "availability")


def test_what_is_left_out_is_counted() -> None:
    decoder = logic()
    batch: list[Event] = [
        message("zigbee2mqtt/cave/set", "ON"),
        message("zigbee2mqtt/bridge/devices", b"\xff"),
        message("anything", ""),
        message("zigbee2mqtt/cave", {"update": {"state": "idle"}, "color_mode": "xy"}),
    ]
    assert decoder.on_batch(batch, Now(T, T)) == []
    assert (decoder.counts, decoder.errors) == ({"ignored": 4, "unknown_keys": 2}, [])


def test_the_time_setting_names_the_field_that_holds_the_event_time() -> None:
    payload = {
        "temperature": 3,
        "meta": {"at": "2026-03-01T11:59:00Z"},
        "last_seen": "2026-03-01T11:00:00Z",
    }
    (reading,) = decode("zigbee2mqtt/cave", payload, "zigbee2mqtt", time="meta.at")
    assert reading.time == T - 60
    (reading,) = decode("zigbee2mqtt/cave", payload, "zigbee2mqtt", time="meta.none")
    assert reading.time == T - 3600
    (reading,) = decode(
        "home/cave", {"temperature": 3, "at": int((T - 5) * 1000)}, "json", time="at"
    )
    assert reading.time == T - 5


@pytest.mark.parametrize(
    ("own", "seconds"),
    [
        (T - 1, -1), ((T - 1) * 1e3, -1), ((T - 1) * 1e6, -1), (str(T - 1), -1),
        ("2026-03-01T12:59:59+01:00", -1), ("2026-03-01 11:59:59", -1), ("2026.03.01 11:59:59", -1),
        ("2026-03-01T11:59:59.123456789Z", -0.876544), ("2000-01-01T00:00:00Z", 946684800 - T),
        (None, 0), ("soon", 0), (True, 0), ([], 0), (10**400, 0), ("1999-12-31T23:59:59Z", 0), (0,
        0),
        ("2026-03-02T12:00:01Z", 0), ("2026-03-02T12:00:00Z", 86400), ("NaN", 0), ("x" * 1000, 0),
    ],
)  # fmt: skip
def test_a_device_s_own_time_counts_where_it_can_be_true(own: Any, seconds: float) -> None:
    payload = json.dumps({"temperature": 3, "last_seen": own})
    (reading,) = decode("zigbee2mqtt/cave", payload)
    assert reading.time == pytest.approx(T + seconds, abs=0.001)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\ud83d", "\ufffd"), (r"a\udc00b", "a\ufffdb"), (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud83d", "\\ud83d"),
        (r"\u0041\udc00", "A\ufffd"), (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"), (r"\ud83d\n",
        "\ufffd\n"),
    ],
)  # fmt: skip
def test_half_a_surrogate_pair_is_replaced_and_spoils_nothing_else(escaped: str, text: str) -> None:
    (reading, other) = decode(
        "zigbee2mqtt/cave", '{"humidity":"' + escaped + '","temperature":NaN}'
    )
    assert isinstance(reading, Reading)
    assert (reading.text, reading.quality) == (text, "bad")
    assert decode_lines(encode_lines([reading, other])) == [reading, other]


def test_the_same_bytes_always_give_the_same_events() -> None:
    batch = [
        message("zigbee2mqtt/remote", {"action": "1_double", "battery": 3, "temperature": None})
    ]
    assert logic().on_batch(list(batch), Now(T, T)) == logic().on_batch(
        list(batch), Now(T + 50, T + 90)
    )
