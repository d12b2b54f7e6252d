"""A reader that falls behind is told in time what its topic will remove."""

import time

import pytest
from kafka import KafkaProducer

from connectors.base import ExpiringReader
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from infra.embedded.kafka.server import Kafka
from operators.events import encode_lines
from tests.kafka.conftest import Administer
from tests.kafka.reading import Following, reading
from tests.waiting import PATIENCE, wait_until


def test_a_reader_says_how_far_it_is_behind_and_warns_before_records_are_removed(
    connection: TopicConnection, kafka: Kafka, unique: str, administer: Administer,
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr("connectors.kafka.poller.BUFFER_BYTES", 0)
    monkeypatch.setattr("connectors.kafka.poller.PROBE_SECONDS", 0.2)
    kept = {"retention.ms": "3600000"}
    administer([kafka.address]).create_topics({unique: {"num_partitions": 1, "configs": kept}})
    one, producer = Following(connection, Topic(name=unique)), KafkaProducer(
        bootstrap_servers=kafka.address
    )  # fmt: skip
    reader = one.readers[f"{unique}/0"]
    assert isinstance(reader, ExpiringReader)

    def write(number: int, ago: float) -> None:
        record, written = encode_lines([reading(number)]), int(1000 * (time.time() - ago))
        producer.send(unique, record, timestamp_ms=written).get(PATIENCE)

    write(0, 1000.0)
    one.wait_for(lambda ids: len(ids) == 1, what="the first record")
    wait_until(lambda: reader.retention() == 3600, what="the retention to be known")
    wait_until(lambda: reader.behind() == 0, what="the reader to be up to date")
    assert not one.counts
    write(1, 1000.0)
    wait_until(lambda: (reader.behind() or 0) >= 1000, what="the reader to be behind")
    one.wait_for(lambda ids: len(ids) == 2, what="the second record")
    write(2, 2000.0)
    wait_until(lambda: f"{unique}/0 is 20" in caplog.text, what="a warning")
    assert one.counts == {"near_retention": 1}
    assert "keeps records for 3600 s only" in caplog.text
    one.wait_for(lambda ids: len(ids) == 3, what="the rest")
    wait_until(lambda: reader.behind() == 0, what="the reader to be up to date again")
    assert one.counts == {"near_retention": 1}
    producer.close()
    one.close()
