"""The `decode` step in each dialect, on messages of any topic and payload.

An input is up to `MOST` messages, apart by the record separator (0x1E): a flag (`R` for retained),
the topic, a line break, the payload.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, get_args

from operators.component import Now, StepContext
from operators.decoding.logic import DecodeLogic
from operators.decoding.payloads.metrics import METRICS, NAMES
from operators.decoding.step import Codec, Decode
from operators.events import (
    DeadLetter,
    Event,
    Message,
    Occurrence,
    Reading,
    decode_lines,
    encode_lines,
)
from operators.model.saved_state import decode, encode
from tests.corpus.cases import PUBLIC, dialect_of, load, payload
from tests.fuzz.mutate import dumped, in_json, json_mutator
from tests.fuzz.target import Target

REASONS = {
    "too_large", "not_utf8", "bad_json", "too_deep", "bad_shape", "unsupported", "undecoded",
    "unresolved", "unrecognised",
}  # fmt: skip
MOST = 8
RECEIVED = 1772366400.0
CONTEXT = StepContext(flow="f", step="f/s/decode")


def messages(data: bytes) -> list[Message]:
    """The messages of an input."""
    made = []
    for number, record in enumerate(data.split(b"\x1e")[:MOST]):
        head, _, body = record.partition(b"\n")
        made.append(
            Message(
                id=f"m{number}",
                time=RECEIVED + number,
                topic=head[1:].decode("utf-8", "replace") or "-",
                payload=body,
                retained=head[:1] == b"R",
            )
        )
    return made


def written(topic: str, body: bytes, retained: bool = False) -> bytes:
    """A message as an input."""
    return (b"R" if retained else b"-") + topic.encode("utf-8", "replace") + b"\n" + body


def check(codec: str, sent: list[Message]) -> None:
    """Decode the messages; raises `AssertionError` for what no message may lead to."""
    decoder = _decoder(codec)
    events = decoder.on_batch(list(sent), Now(RECEIVED, RECEIVED))
    assert "decoder_failed" not in decoder.counts, decoder.errors
    assert {letter.reason for letter in decoder.errors} <= REASONS, decoder.errors
    for event in events:
        _check_event(event)
    assert decode_lines(encode_lines(events)) == events
    assert decode_lines(encode_lines(decoder.errors)) == decoder.errors
    assert (events, decoder.errors) == _one_by_one(codec, sent)


def _decoder(codec: str) -> DecodeLogic:
    return Decode.model_validate(codec).logic(CONTEXT)


def _one_by_one(codec: str, sent: list[Message]) -> tuple[list[Event], list[DeadLetter]]:
    """What comes out message by message, with a restart after each."""
    events: list[Event] = []
    errors: list[DeadLetter] = []
    saved = None
    for message in sent:
        decoder = _decoder(codec)
        if saved is not None:
            decoder.restore(decode(saved, decoder.STATE), decoder.VERSION)
        made = decoder.on_batch([message], Now(RECEIVED, RECEIVED))
        assert len({event.id for event in made}) == len(made), made
        assert not (made and decoder.errors), decoder.errors
        events += made
        errors += decoder.errors
        saved = encode(decoder.snapshot())
    return events, errors


def _check_event(event: Event) -> None:
    assert isinstance(event, Reading | Occurrence), event
    assert math.isfinite(event.time), event
    assert event.subject or not event.topic, event
    if isinstance(event, Reading):
        metric = METRICS[event.metric]
        assert event.value is None or math.isfinite(event.value), event
        assert event.quality == "bad" or event.value is not None or event.text, event
        assert metric.kind in ("any", "number") or event.unit is None, event
        assert metric.kind != "binary" or event.value in (None, 0.0, 1.0), event
        assert (
            event.value is None
            or event.quality == "bad"
            or metric.low <= event.value <= metric.high
        ), event


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def _seeds(codec: str) -> Iterator[bytes]:
    gathered: dict[str, list[bytes]] = {}
    for case in load(PUBLIC):
        dialect = dialect_of(case)
        body = payload(case)
        if codec not in ("auto", dialect) or len(body) > 8000 or b"\x1e" in body:
            continue
        seed = written(case["topic"], body, case["retain"])
        gathered.setdefault(dialect, []).append(seed)
        yield seed
    for some in gathered.values():
        for first in range(0, len(some) - 2, 3):
            yield b"\x1e".join(some[first : first + 3])
    yield written("x", b"")


def _known(codec: str) -> tuple[list[str], list[str]]:
    """(topics, keys) of the dialect's cases."""
    cases = [case for case in load(PUBLIC) if codec in ("auto", dialect_of(case))]
    keys = set(NAMES)
    for case in cases:
        try:
            keys |= _keys(json.loads(payload(case)))
        except (ValueError, RecursionError):
            continue
    return sorted({case["topic"] for case in cases}) or ["x"], sorted(
        key for key in keys if len(key) < 65
    )


def _mutator(topics: Sequence[str], keys: Sequence[str]) -> Callable[..., bytes]:
    whole = json_mutator(keys)
    words = sorted({word for topic in topics for word in topic.split("/")})

    def other_topic(topic: str, dice: Random) -> str:
        if dice.random() < 0.5:
            return dice.choice(topics)
        parts = topic.split("/")
        parts[dice.randrange(len(parts))] = dice.choice((*words, "", "set", "é", "a#b"))
        if dice.random() < 0.3:
            parts.insert(dice.randrange(len(parts) + 1), dice.choice(words))
        return "/".join(parts)

    def mutate(
        data: bytes, longest: int, dice: Random, any_bytes: Callable[[bytes, int], bytes]
    ) -> bytes:
        chance = dice.random()
        if chance < 0.2:
            return any_bytes(data, longest)
        records = data.split(b"\x1e")
        at = dice.randrange(len(records))
        head, _, body = records[at].partition(b"\n")
        if chance < 0.35:
            head = head[:1] + other_topic(head[1:].decode("utf-8", "replace"), dice).encode(
                "utf-8", "replace"
            )
        elif chance < 0.4:
            head = (b"-" if head[:1] == b"R" else b"R") + head[1:]
        elif chance < 0.45:
            records.insert(at, records[dice.randrange(len(records))])
        elif chance < 0.5:
            body = dumped(
                in_json({dice.choice(keys): 1.5, dice.choice(keys): "on"}, keys, dice), dice
            )
        else:
            body = whole(body, longest, dice, any_bytes)
        records[at] = head + b"\n" + body
        made = b"\x1e".join(records[:MOST])
        return made if len(made) <= longest else made[:longest]

    return mutate


def _target(codec: str) -> Target:
    topics, keys = _known(codec)

    def run(data: bytes) -> None:
        check(codec, messages(data))

    return Target(
        f"decode_{codec}", run, lambda: _seeds(codec), _mutator(topics, keys), longest=16_384
    )


TARGETS = [_target(codec) for codec in get_args(Codec)]
