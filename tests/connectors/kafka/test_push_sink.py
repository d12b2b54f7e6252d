"""The push sink, read back from a real broker."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition
from pydantic import ValidationError

from connectors.kafka.connection import TopicConnection
from connectors.kafka.push_sink import WebSocket
from infra.embedded.broker import Broker
from operators.events import AlarmTransition, Detection, Event
from tests.connectors.recorder import Recorder, reading
from tests.waiting import wait_until


@pytest.fixture
def push(broker: Broker, recorder: Recorder, unique: str) -> Callable[..., list[dict[str, Any]]]:
    """Write events through a sink of these settings; returns the records that are in the topic
    then.
    """

    def write(
        events: list[Event], settings: dict[str, Any] | str, **more: Any
    ) -> list[dict[str, Any]]:
        connection = TopicConnection(
            brokers=[broker.address], idempotence=False, prefix=f"{unique}."
        )
        context = recorder.context("live", connection, **more)
        writer = WebSocket.model_validate(settings).open(context)
        writer.write(events)
        writer.flush()
        writer.close()
        return read(broker, connection.topic_names.push)

    return write


def read(broker: Broker, topic: str) -> list[dict[str, Any]]:
    consumer = KafkaConsumer(bootstrap_servers=[broker.address], group_id=None)
    try:
        parts = [
            TopicPartition(topic, number)
            for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends = consumer.end_offsets(parts)
        lines: list[bytes] = []

        def is_read() -> bool:
            for records in consumer.poll(timeout_ms=100).values():
                lines.extend(line for record in records for line in record.value.splitlines())
            return all(consumer.position(part) >= end for part, end in ends.items())

        wait_until(is_read, what="all records of the topic")
        return [msgspec.json.decode(line) for line in lines]
    finally:
        consumer.close()


def test_an_event_goes_to_its_channel_in_the_form_the_api_reads(
    push: Callable[..., list[dict[str, Any]]],
) -> None:
    (record,) = push([reading(1)], "server_room")
    assert record == {
        "channel": "server_room",
        "sink": "live",
        "flow": "test",
        "id": "r1",
        "time": 1795000001.0,
        "subject": "rack",
        "shaped": False,
        "data": {
            "kind": "reading",
            "id": "r1",
            "time": 1795000001.0,
            "subject": "rack",
            "metric": "temperature",
            "value": 1.0,
        },
    }


def test_a_shape_replaces_the_data(push: Callable[..., list[dict[str, Any]]]) -> None:
    (record,) = push(
        [reading(1)], "server_room", shape=lambda event: {"entity_id": "rack", "state": "1"}
    )
    assert record["shaped"] is True
    assert record["data"] == {"entity_id": "rack", "state": "1"}


def test_channels_are_filled_in_and_those_whose_field_is_missing_are_left_out(
    push: Callable[..., list[dict[str, Any]]], recorder: Recorder
) -> None:
    seen = Detection(
        id="d", time=1.0, subject="dock", class_="person", score=0.9, box=(0.1, 0.1, 0.2, 0.2),
        labels={"camera": "gate"},
    )  # fmt: skip
    change = AlarmTransition(
        id="a", time=1.0, recorded=1.0, rule="f/x", alarm="x", subject="rack", occ=1, seq=1,
        event="activated",
        change="raised", state="unacked", isa="B", page="eur_usd",
    )  # fmt: skip
    records = push(
        [seen, change, reading(1)],
        {"channel": ["camera_{camera}", "page/{page}"], "first": "nothing"},
    )
    assert {(record["channel"], record["id"], record["first"]) for record in records} == {
        ("camera_dock", "d", "nothing"),
        ("page/eur_usd", "a", "nothing"),
    }
    assert {(record["id"], record.get("page"), record.get("camera")) for record in records} == {
        ("d", None, "gate"),
        ("a", "eur_usd", None),
    }
    assert recorder.counts["without_channel"] == 1


def test_events_of_a_subject_keep_their_order(push: Callable[..., list[dict[str, Any]]]) -> None:
    records = push([reading(n, f"s{n % 7}") for n in range(2000)], "c")
    for subject in {record["subject"] for record in records}:
        times = [record["time"] for record in records if record["subject"] == subject]
        assert times == sorted(times)
    assert len(records) == 2000


@pytest.mark.parametrize("channel", ["", ["a", ""], "page/{page"])
def test_a_channel_needs_a_name_that_can_be_read(channel: Any) -> None:
    with pytest.raises(ValidationError):
        WebSocket(channel=channel)
