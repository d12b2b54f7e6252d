"""No bytes on any topic make the decoder fail, in any dialect."""

import json
import math
import time
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.component import Now, StepContext
from operators.decoding.payloads.metrics import METRICS, NAMES
from operators.decoding.step import Codec, Decode
from operators.events import Message, Occurrence, Reading, Row, decode_lines, encode_lines
from tests.corpus.cases import PUBLIC, load, payload

pytestmark = pytest.mark.slow

CASES = [case for case in load(PUBLIC) if len(str(case.get("payload", ""))) < 20_000]
TOPICS = sorted({case["topic"] for case in CASES})
REASONS = {
    "too_large", "not_utf8", "bad_json", "too_deep", "bad_shape", "unsupported", "undecoded",
    "unresolved", "unrecognised",
}  # fmt: skip


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _parsed(case: dict[str, Any]) -> Any:
    try:
        return json.loads(payload(case))
    except (ValueError, RecursionError):
        return None


DOCUMENTS = [
    parsed for case in CASES if (parsed := _parsed(case)) is not None and "deep" not in case["name"]
]
KEYS = sorted(set(NAMES).union(*map(_keys, DOCUMENTS)))
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["ON", "off", "open", "nan", "21,5", "1e999", "", "unknown", "°F", "kWh",
    "new", "end"])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=12,
)
RELAXED = settings(max_examples=150)


def check(codec: str, topic: str, raw: bytes, retained: bool = False) -> None:
    decoder = Decode.model_validate(codec).logic(StepContext(flow="f", step="f/s/decode"))
    events = decoder.on_batch(
        [Message(id="m", time=1.8e9, topic=topic, payload=raw, retained=retained)],
        Now(1.8e9, 1.8e9),
    )
    assert "decoder_failed" not in decoder.counts, decoder.errors
    assert {letter.reason for letter in decoder.errors} <= REASONS
    assert not (events and decoder.errors)
    for event in events:
        assert isinstance(event, Reading | Occurrence)
        assert event.subject or not topic
        if isinstance(event, Reading):
            metric = METRICS[event.metric]
            assert event.value is None or math.isfinite(event.value)
            assert event.quality == "bad" or event.value is not None or event.text
            assert metric.kind in ("any", "number") or event.unit is None
    assert len({event.id for event in events}) == len(events)
    assert len(decode_lines(encode_lines(events))) == len(events)


@pytest.mark.parametrize("codec", get_args(Codec))
@RELAXED
@given(
    topic=st.sampled_from(TOPICS) | st.text(max_size=30),
    raw=st.binary(max_size=60),
    retained=st.booleans(),
)
def test_any_bytes_on_any_topic_are_decoded_or_set_aside(
    codec: str, topic: str, raw: bytes, retained: bool
) -> None:
    check(codec, topic, raw, retained)


@pytest.mark.parametrize("codec", get_args(Codec))
@RELAXED
@given(topic=st.sampled_from(TOPICS), data=JSON)
def test_any_json_of_known_keys_is_decoded_or_set_aside(codec: str, topic: str, data: Any) -> None:
    check(codec, topic, json.dumps(data).encode())


@RELAXED
@given(
    document=st.sampled_from(DOCUMENTS),
    data=st.data(),
    topic=st.sampled_from(TOPICS),
    own=st.booleans(),
)
def test_a_real_message_with_one_value_swapped_is_decoded_or_set_aside(
    document: Any, data: st.DataObject, topic: str, own: bool
) -> None:
    changed = json.loads(json.dumps(document))
    spots: list[tuple[Any, Any]] = []
    todo = [changed]
    while todo:
        value = todo.pop()
        items = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value)
            if isinstance(value, list)
            else ()
        )
        for key, inner in items:
            spots.append((value, key))
            todo.append(inner)
    if spots:
        container, key = data.draw(st.sampled_from(spots))
        container[key] = data.draw(JSON)
    check(
        "auto",
        CASES[DOCUMENTS.index(document)]["topic"] if own else topic,
        json.dumps(changed).encode(),
    )


@RELAXED
@given(case=st.sampled_from(CASES), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_real_message_with_one_byte_swapped_or_cut_is_decoded_or_set_aside(
    case: Any, at: int, byte: int
) -> None:
    raw = bytearray(payload(case))
    check("auto", case["topic"], bytes(raw[:at]))
    if at < len(raw):
        raw[at] = byte
    check("auto", case["topic"], bytes(raw))


@RELAXED
@given(
    values=st.dictionaries(
        st.sampled_from(["entity_id", "state", "shared_attrs", "last_updated_ts", "metadata_id"]),
        JSON,
    ),
    state=JSON | st.binary(max_size=5),
)
def test_any_row_is_decoded_or_set_aside(values: dict[str, Any], state: Any) -> None:
    decoder = Decode.model_validate("home_assistant_recorder").logic(
        StepContext(flow="f", step="f/s/decode")
    )
    row = Row(
        id="r",
        time=1.8e9,
        table="ha.states",
        op="insert",
        values={"entity_id": "sensor.x", "state": state, **values},
    )
    decoder.on_batch([row], Now(1.8e9, 1.8e9))
    assert "decoder_failed" not in decoder.counts, decoder.errors


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 262_144,
        b'{"a":' * 43_690,
        b'{"temperature":' + b"9" * 262_000 + b"}",
        b'"' + b"\\" * 262_000,
        b'{"a":"' + b'\\"' * 131_000,
        b"[" + b"[]," * 87_000 + b"1]",
        b'{"' + b"x" * 262_000 + b'":1}',
        b" " * 262_144,
        b'{"ZbReceived":{' + b",".join(b'"%d":{"Power":1}' % n for n in range(12_000)) + b"}}",
        b'{"a":{"b":["' + b'x","' * 60_000 + b'"]' + b"}" * 2,
    ],
)
@pytest.mark.parametrize(
    "topic", ["zigbee2mqtt/cave", "tele/gw/SENSOR", "farm/gate/blob", "x/events/rpc"]
)
def test_the_largest_hostile_message_takes_under_a_second(raw: bytes, topic: str) -> None:
    started = time.process_time()
    check("auto", topic, raw[:262_144])
    assert time.process_time() - started < 1.0
