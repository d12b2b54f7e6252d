"""The topic of the events whose evidence people keep; a row an event."""

import time
from contextlib import closing

import msgspec
from kafka import KafkaConsumer, TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.s3.retention import take_pin
from operators.events import Event, decode_lines

ANSWER = 10.0
"""Seconds to wait for the broker's answer."""


def read_pins(connection: TopicConnection) -> set[str]:
    """The events whose evidence is kept. Raises `KafkaError` or `OSError` without an answer."""
    topic = connection.topic_names.evidence_pins
    ensure_topic(connection, topic, 1, compact=True)
    pinned: set[str] = set()
    options = connection.client_options()
    with closing(KafkaConsumer(**options, group_id=None, enable_auto_commit=False)) as consumer:
        part = TopicPartition(topic, 0)
        consumer.assign([part])
        end = consumer.end_offsets([part], timeout_ms=int(ANSWER * 1000))[part]
        consumer.seek_to_beginning(part)
        deadline = time.monotonic() + ANSWER
        while consumer.position(part) < end:
            for record in consumer.poll(500).get(part, []):
                deadline = time.monotonic() + ANSWER
                for event in _events(record.value or b""):
                    take_pin(event, pinned)
            if time.monotonic() > deadline:
                raise OSError(f"the topic {topic} does not answer")
    return pinned


def _events(value: bytes) -> list[Event]:
    try:
        return decode_lines(value)
    except msgspec.MsgspecError:
        return []
