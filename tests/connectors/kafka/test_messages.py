"""Topics of other programs: their records are messages for `decode`."""

import pytest
from kafka import KafkaProducer

from connectors.base import ConnectorContext
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.foreign.messages import documents
from infra.embedded.broker import Broker
from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import Event, Message, Reading
from tests.waiting import wait_until


def read(broker: Broker, topic: str, count: int) -> list[Event]:
    connection = TopicConnection(brokers=[broker.address])
    context = ConnectorContext(flow="f", name="source", connection=connection)
    source = Topic(name=topic, messages=True)
    (reader,) = [source.open(context, part, None) for part in source.partitions(context)]
    events: list[Event] = []

    def more() -> bool:
        while batch := reader.read():
            events.extend(batch.events)
        return len(events) >= count

    wait_until(more, what=f"{count} messages")
    reader.close()
    return events


def test_records_of_other_programs_are_messages_with_key_and_headers_and_can_be_decoded(
    broker: Broker, unique: str
) -> None:
    source = Topic(name=unique, new_partitions=1)
    connection = TopicConnection(brokers=[broker.address])
    source.partitions(ConnectorContext(flow="f", name="source", connection=connection))
    producer = KafkaProducer(bootstrap_servers=[broker.address], enable_idempotence=False)

    def send(value: bytes | None, key: bytes | None = None, **more: object) -> None:
        producer.send(unique, value, key=key, partition=0, **more)

    send(
        b'{"temperature": 80.5}\n{"temperature": 81}',
        b"oven-1",
        headers=[("trace-id", b"17"), ("empty", b"")],
    )
    send(b'{"humidity": 40}', b'{"id":7}')
    send(None, b"oven-1")
    producer.flush()
    producer.close()

    events = read(broker, unique, 4)

    named = {"key": "oven-1", "header_trace_id": "17", "header_empty": ""}
    at, oven = f"{unique}/0", f"{unique}/oven-1"
    found = [(e.id, e.topic, e.payload, e.labels) for e in events if isinstance(e, Message)]
    assert found == [
        (f"{at}/0", oven, b'{"temperature": 80.5}', named),
        (f"{at}/0/1", oven, b'{"temperature": 81}', named),
        (f"{at}/1", unique, b'{"humidity": 40}', {"key": '{"id":7}'}),
        (f"{at}/2", oven, b"", {"key": "oven-1"}),
    ]
    logic = Decode.model_validate({"as": "json"}).logic(StepContext("f", "f/decoded"))
    made = [event for event in logic.on_batch(events, Now(0, 5.0)) if isinstance(event, Reading)]
    assert [(one.subject, one.metric, one.value) for one in made] == [
        (oven, "temperature", 80.5),
        (oven, "temperature", 81.0),
        (unique, "humidity", 40.0),
    ]
    assert made[0].labels == named


@pytest.mark.parametrize(
    ("value", "apart"),
    [
        (b'{"a": 1}', [b'{"a": 1}']),
        (b'{"a": "}{"}{"b": 2}', [b'{"a": "}{"}', b'{"b": 2}']),
        (b'{"a": 1}\r\n\r\n[2]\n', [b'{"a": 1}', b"[2]"]),
        ('{"a": "é"} {"b": 1}'.encode(), ['{"a": "é"}'.encode(), b'{"b": 1}']),
        (b'{"a": 1} rest', [b'{"a": 1} rest']),
        (b'{"a": ', [b'{"a": ']),
        (b"{\xff}{}", [b"{\xff}{}"]),
        (b"21.5", [b"21.5"]),
        (b"", [b""]),
    ],
)
def test_documents_of_a_record_are_told_apart_and_all_else_stays_whole(
    value: bytes, apart: list[bytes]
) -> None:
    assert documents(value) == apart
