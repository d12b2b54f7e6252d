"""What stands in a topic beside the lines: how records are compressed, and their headers."""

from collections.abc import Iterator

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from connectors.base import Health
from connectors.kafka import producer_client
from connectors.kafka.components import TopicSink
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from operators.events import decode_lines
from tests.conftest import ON_KAFKA
from tests.connectors.recorder import Recorder, ids, reading
from tests.waiting import wait_until

READINGS = [reading(n, subject="rack") for n in range(400)]


@pytest.fixture
def consumer(broker: Broker) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest")
    yield consumer
    consumer.close()


@pytest.mark.parametrize("compression", [None, "none", "gzip", "snappy", "lz4", "zstd"])
def test_records_are_read_as_they_were_written_however_they_are_compressed(
    broker: Broker, consumer: KafkaConsumer, unique: str, compression: str | None
):
    connection = TopicConnection(
        brokers=[broker.address], idempotence=ON_KAFKA, compression=compression, partitions=1
    )
    producer = Producer(connection, Health(), "p")
    producer.send_events(unique, READINGS)
    producer.flush()
    producer.close()
    consumer.assign([TopicPartition(unique, 0)])
    (records,) = wait_until(lambda: consumer.poll(200), what="the record").values()
    assert ids(decode_lines(records[0].value)) == ids(READINGS)


def test_without_a_choice_a_broker_that_has_no_zstd_gets_records_as_they_are(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
):
    def old(**options: object) -> KafkaProducer:
        if options["compression_type"] == "zstd":
            raise ValueError("Zstd Requires >= Kafka 2.1 Brokers")
        return KafkaProducer(**options)

    monkeypatch.setattr(producer_client, "KafkaProducer", old)
    client = producer_client.open_producer(
        TopicConnection(brokers=[broker.address], idempotence=ON_KAFKA)
    )
    assert client.config["compression_type"] is None
    client.close()


def test_a_record_says_what_it_holds_and_which_definition_of_which_flow_wrote_it(
    broker: Broker, consumer: KafkaConsumer, unique: str
):
    connection = TopicConnection(brokers=[broker.address], idempotence=ON_KAFKA, partitions=1)
    context = Recorder().context("sink", connection, definition="a1b2c3")
    writer = TopicSink(name=unique).open(context)
    writer.write(READINGS[:1])
    writer.flush()
    writer.close()
    consumer.assign([TopicPartition(unique, 0)])
    (records,) = wait_until(lambda: consumer.poll(200), what="the record").values()
    assert dict(records[0].headers) == {
        "content-type": b"application/jsonl",
        "vigie-flow": b"test",
        "vigie-definition": b"a1b2c3",
        "vigie-schema": b"1",
    }
