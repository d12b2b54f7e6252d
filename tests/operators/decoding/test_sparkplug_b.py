"""Sparkplug B: births name the metrics, later messages have their aliases."""

import struct
from typing import Any

import pytest

from operators.component import Now
from operators.decoding.logic import DecodeLogic
from operators.events import Event, Message, Reading
from operators.model.saved_state import decode as decode_state
from operators.model.saved_state import encode as encode_state
from tests.operators.decoding.test_step import T, logic
from tests.operators.decoding.test_zigbee2mqtt_exposes import words

MS = int(T * 1000)


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return out + bytes((number,))


def field(number: int, value: Any) -> bytes:
    """A field of a payload; floats are doubles, a `bytes` of four is a float."""
    if isinstance(value, bool | int):
        return varint(number << 3) + varint(int(value))
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def single(number: float) -> bytes:
    return varint(12 << 3 | 5) + struct.pack("<f", number)


def metric(
    name: str | None, datatype: int | None, value: bytes, alias: int | None = None,
    unit: str | None = None, at: int | None = None,
) -> bytes:  # fmt: skip
    body = b"" if name is None else field(1, name)
    body += b"" if alias is None else field(2, alias)
    body += b"" if at is None else field(3, at)
    body += b"" if datatype is None else field(4, datatype)
    if unit is not None:
        body += field(9, field(1, "engUnit") + field(2, field(1, 12) + field(8, unit)))
    return field(2, body + value)


def payload(*metrics: bytes, at: int = MS) -> bytes:
    return field(1, at) + b"".join(metrics) + field(3, 1)


def feed(decoder: DecodeLogic, topic: str, body: bytes, at: float = T) -> list[Event]:
    return decoder.on_batch([Message(id="m", time=at, topic=topic, payload=body)], Now(at, at))


BIRTH = payload(
    metric("bdSeq", 8, field(11, 0)),
    metric("Node Control/Rebirth", 11, field(14, False)),
    metric("Cabinet Temperature", 9, single(21.7), 1, "°F"),
    metric("Door", 11, field(14, True), 2),
    metric("Outputs/Pump/Speed", 3, field(10, 2**32 - 5), 3, "rpm"),
    metric("Serial", 12, field(15, "A-17"), 4),
    metric("Supply", 10, field(13, 400.0), 5, "mbar"),
    metric("Line/Value", 8, field(11, 2**63), 6),
)
EXPECTED = [
    "P/E availability 1", "P/E#Cabinet temperature -5.72222 °C", "P/E contact 0",
    "P/E#Outputs/Pump/Speed value -5 rpm", "P/E#Serial state A-17", "P/E#Supply pressure 400 hPa",
    "P/E#Line value 9.22337e+18",
]  # fmt: skip


def born() -> DecodeLogic:
    decoder = logic("auto")
    assert words(feed(decoder, "spBv1.0/P/NBIRTH/E", BIRTH)) == EXPECTED
    return decoder


def test_a_birth_names_its_metrics_with_type_and_unit() -> None:
    born()


def test_data_is_read_by_name_or_by_the_alias_that_the_birth_gave() -> None:
    decoder = born()
    body = payload(
        metric(None, None, single(212.0), 1, at=MS - 5000), metric("Serial", None, field(15, "B"))
    )
    warm, serial = feed(decoder, "spBv1.0/P/NDATA/E", body)
    assert words([warm, serial]) == ["P/E#Cabinet temperature 100 °C", "P/E#Serial state B"]
    assert (warm.time, serial.time) == (T - 5, T)
    null = payload(metric(None, None, field(7, True), 1))
    assert words(feed(decoder, "spBv1.0/P/NDATA/E", null)) == [
        "P/E#Cabinet temperature None °C bad"
    ]
    low = payload(metric(None, None, field(10, 2**32 - 7), 3))
    assert words(feed(decoder, "spBv1.0/P/NDATA/E", low)) == ["P/E#Outputs/Pump/Speed value -7 rpm"]


def test_an_alias_that_nobody_named_is_a_dead_letter_with_the_remedy() -> None:
    decoder = born()
    assert feed(decoder, "spBv1.0/P/NDATA/E", payload(metric(None, None, single(2), 99))) == []
    (letter,) = decoder.errors
    assert letter.reason == "unresolved" and "Rebirth" in letter.detail
    mixed = payload(metric(None, None, single(2), 99), metric(None, None, single(32), 1))
    assert words(feed(decoder, "spBv1.0/P/NDATA/E", mixed)) == ["P/E#Cabinet temperature 0 °C"]


def test_devices_have_births_of_their_own_which_end_with_their_node() -> None:
    decoder = born()
    device = payload(metric("Temperature", 9, single(30.5), 10))
    assert words(feed(decoder, "spBv1.0/P/DBIRTH/E/Pump", device)) == [
        "P/E/Pump availability 1", "P/E/Pump temperature 30.5 °C",
    ]  # fmt: skip
    data = payload(metric(None, None, single(31), 10))
    restored = logic("auto")
    restored.restore(decode_state(encode_state(decoder.snapshot())), DecodeLogic.VERSION)
    for one in (decoder, restored):
        assert words(feed(one, "spBv1.0/P/DDATA/E/Pump", data)) == ["P/E/Pump temperature 31 °C"]
    old_will, will = (payload(metric("bdSeq", 8, field(11, n))) for n in (7, 0))
    assert feed(decoder, "spBv1.0/P/NDEATH/E", old_will) == []
    dead = feed(decoder, "spBv1.0/P/NDEATH/E", will)
    assert words(dead)[:2] == ["P/E/Pump availability 0", "P/E availability 0"]
    stale = {(event.subject, event.metric) for event in dead if isinstance(event, Reading)}
    assert ("P/E/Pump", "temperature") in stale and ("P/E", "contact") in stale
    feed(decoder, "spBv1.0/P/NBIRTH/E", BIRTH)
    assert feed(decoder, "spBv1.0/P/DDATA/E/Pump", data) == []
    assert decoder.errors[-1].reason == "unresolved"


def test_a_device_that_dies_takes_along_its_own_readings_only() -> None:
    decoder = born()
    feed(decoder, "spBv1.0/P/DBIRTH/E/Pump", payload(metric("Temperature", 9, single(30.5))))
    dead = words(feed(decoder, "spBv1.0/P/DDEATH/E/Pump", payload()))
    assert dead == ["P/E/Pump availability 0", "P/E/Pump temperature 30.5 °C stale"]


def test_templates_are_read_as_the_metrics_that_they_hold() -> None:
    inner = metric("Pressure", 9, single(2.5), unit="bar") + metric("Running", 11, field(14, True))
    body = payload(metric("Motor 1", 19, field(18, inner)))
    assert words(feed(logic("auto"), "spBv1.0/P/DDATA/E/D", body)) == [
        "P/E/D#Motor 1 pressure 2500 hPa", "P/E/D#Motor 1/Running state 1",
    ]  # fmt: skip


def test_payloads_that_are_written_as_json_are_read_too() -> None:
    body = b"""{"timestamp": 1772366395000, "seq": 1, "metrics": [
        {"name": "Temperature", "dataType": "Float", "value": 21.5, "timestamp": 1772366390000}]}"""
    (reading,) = feed(logic("auto"), "spBv1.0/P/DDATA/E/D", body)
    assert words([reading]) == ["P/E/D temperature 21.5 °C"] and reading.time == T - 10


@pytest.mark.parametrize("cut", [1, 9, 20, 60])
def test_what_is_no_payload_is_a_dead_letter(cut: int) -> None:
    for body in (BIRTH[:-cut] + b"\xff", b"\x07", b"\x00" * 3, b"{", b"plain text"):
        decoder = logic("auto")
        assert feed(decoder, "spBv1.0/P/NDATA/E", body) == []
        assert [letter.reason for letter in decoder.errors] == ["unsupported"]
        assert not decoder.counts.get("decoder_failed")


def test_commands_are_left_out() -> None:
    decoder = logic("auto")
    assert feed(decoder, "spBv1.0/P/NCMD/E", b"\xff") == [] and not decoder.errors
