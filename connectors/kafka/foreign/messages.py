"""Reading a topic of other programs: each document of a record is a message for `decode`."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from connectors.kafka.consumer import TopicReader
from connectors.kafka.foreign.registry import Undecodable
from connectors.kafka.log.record_batches import KeyedChunk
from connectors.kafka.log.record_time import written_at
from connectors.runtime import steady_clock
from connectors.runtime.tracing.traces import sampled
from operators.events import Event, Message

KEY = "key"
HEADER = "header_"
MOST_HEADERS = 32
LONGEST = 256
"""Characters of a key or header that are kept as a label."""
_NAME = re.compile(r"[^\x00-\x20\x7f{}\[\]\"'+#]{1,200}")
_split = json.JSONDecoder().raw_decode
_raw = msgspec.json.Decoder(msgspec.Raw)


class MessageReader(TopicReader):
    """Reads one partition whose records are of other programs.

    A record becomes one message; several JSON documents in it, one after the other, a message each.
    A message's topic is the Kafka topic, and behind it the record's key where that is a plain name.
    Key and headers are labels, `key` and `header_NAME`. A tombstone is a message without payload.
    """

    def _decode(self, chunk: Any) -> list[Event]:
        records: KeyedChunk = chunk
        events: list[Event] = []
        now = steady_clock.now()
        tp = self.tp
        for offset, key, value, timestamp, headers in zip(
            records.offsets,
            records.keys,
            records.values,
            records.timestamps,
            records.headers,
            strict=True,
        ):
            name = None if key is None else key.decode("utf-8", "replace")
            is_name = name is not None and _NAME.fullmatch(name) is not None
            topic = f"{tp.topic}/{name}" if is_name else tp.topic
            labels = _labels(name, headers)
            at = written_at(timestamp, now)
            try:
                found = self._documents(value or b"")
            except Undecodable as error:
                self._dead_letter("bad_record", str(error), offset, timestamp, 0, value or b"")
                continue
            trace = _trace(headers) if self._context.traces else None
            for number, document in enumerate(found):
                id = f"{tp.topic}/{tp.partition}/{offset}" + (f"/{number}" if number else "")
                events.append(
                    Message(
                        id=id, time=at, topic=topic, payload=document, labels=labels, trace=trace
                    )
                )
        return events

    def _documents(self, value: bytes) -> list[bytes]:
        """What a record holds; raises `Undecodable`."""
        return documents(value)


def _trace(headers: Sequence[tuple[str, bytes | None]]) -> str | None:
    value = dict(headers).get("traceparent")
    return sampled(value.decode("ascii", "replace")) if value else None


def _labels(key: str | None, headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    labels = {} if key is None else {KEY: key[:LONGEST]}
    for name, value in headers[:MOST_HEADERS]:
        word = re.sub(r"\W", "_", name)
        if word and value is not None:
            labels[f"{HEADER}{word}"] = value.decode("utf-8", "replace")[:LONGEST]
    return labels


def documents(value: bytes) -> list[bytes]:
    """The JSON documents of a record; whatever is not several of them is one."""
    if value[:1] not in (b"{", b"["):
        return [value]
    try:
        _raw.decode(value)
    except msgspec.DecodeError:
        try:
            return list(_apart(value.decode()))
        except ValueError:
            return [value]
    return [value]


def _apart(text: str) -> Iterator[bytes]:
    """Documents one after the other; raises ValueError where something else comes."""
    place = 0
    while place < len(text):
        if text[place] in " \t\r\n\x1e":
            place += 1
            continue
        if text[place] not in "{[":
            raise ValueError("no object or list")
        begin = place
        _, place = _split(text, begin)
        yield text[begin:place].encode()
