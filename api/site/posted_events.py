"""Events that other programs post, such as those of PIR motion sensors, as occurrences."""

import asyncio
import time
import uuid

import msgspec

from api.topics.writer import TopicWriter
from connectors.http.body import BadPost, events_of
from operators.decoding.dialects import pir_envelope as pir
from operators.decoding.payloads.parse import Undecodable
from operators.decoding.payloads.timestamps import own_time
from operators.events import Message, Occurrence, encode_lines

PLACE = "api/events"
WAIT = 10.0
UNDER_WAY = 16 << 20
"""Bytes of bodies that may wait for the broker."""
LONGEST_WORD = 200


class PostedEvents:
    """Write posted events to their topic; lives in the event loop."""

    def __init__(self, writer: TopicWriter, topic: str) -> None:
        self._writer = writer
        self._topic = topic
        self._bytes = 0

    async def store(self, body: bytes, key: str | None) -> int:
        """Return the number of events once the broker has them all.

        Raises `BadPost` or `BrokerDown`; after that the sender should send again, under the same
        `key` or `event_id`s.
        """
        events = [occurrence_of(event, number) for number, event in enumerate(_messages(body, key))]
        if self._bytes and self._bytes + len(body) > UNDER_WAY:
            raise BadPost(429, f"over {UNDER_WAY} bytes are under way; send this again later")
        if not events:
            return 0
        lines = [(event.subject, _line(event, number)) for number, event in enumerate(events)]
        self._bytes += len(body)
        try:
            await self._writer.ensure(self._topic, partitions=None)
            await asyncio.gather(
                *(self._writer.deliver(self._topic, subject, line, WAIT) for subject, line in lines)
            )
        finally:
            self._bytes -= len(body)
        return len(events)


def occurrence_of(message: Message, number: int) -> Occurrence:
    """The occurrence of a posted object; its data are the message that the device sent.

    Its time is the device's own, where it has one: a gateway may deliver a week later. Raises
    `BadPost`.
    """
    body = msgspec.json.decode(message.payload)
    try:
        device, type = pir.device_and_type(body)
    except Undecodable as error:
        raise BadPost(400, error.detail, number) from None
    details = body.get("details")
    data = body
    topic = None
    if isinstance(details, dict):
        names = {
            "event_id": "event_id",
            "source": "source",
            "data": "data",
            "timestamp": "original_timestamp",
        }
        data = {"device_id": device, "type": body["type"]} | {
            new: details.get(old) for new, old in names.items()
        }
        data |= {
            name: value
            for name, value in details.items()
            if name not in (*names.values(), "mqtt_topic")
        }
        topic = details.get("mqtt_topic")
    for name, word in (("device_id", device), ("type", type), ("event_id", message.id)):
        if len(word) > LONGEST_WORD:
            raise BadPost(
                400,
                f"expected at most {LONGEST_WORD} characters as {name}, got {len(word)}",
                number,
            )
    time = own_time(data.get("timestamp"), message.time)
    return Occurrence(
        id=message.id,
        time=message.time if time is None else time,
        subject=device,
        type=type,
        data=data,
        source=pir.source_of(data),
        topic=topic if isinstance(topic, str) else None,
    )


def _messages(body: bytes, key: str | None) -> list[Message]:
    events = events_of(body, PLACE, None, key, lambda: uuid.uuid4().hex, time.time())
    return [event for event in events if isinstance(event, Message)]


def _line(event: Occurrence, number: int) -> bytes:
    try:
        return encode_lines([event])
    except (OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise BadPost(400, f"expected values that JSON can hold: {error}", number) from None
