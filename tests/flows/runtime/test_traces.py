"""One reading from MQTT to a browser's connection, followed by a receiver of OpenTelemetry."""

from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from connectors.kafka.connection import TopicConnection
from infra.embedded.ports import ask
from operators.events import AlarmTransition, DeadLetter
from tests.flows.conftest import Watch
from tests.traced import plant
from tests.waiting import PATIENCE, wait_until


@pytest.mark.slow
def test_a_reading_is_followed_from_mqtt_to_the_browser_and_nobody_waits_for_the_receiver(
    tmp: Path, topic: Watch
) -> None:
    with plant(tmp) as one:
        one.publish('{"temperature": 31}')
        by_name = {span.name: span for span in one.way()}
        read, receive = by_name.pop("read sensors"), by_name.pop("receive vigie.in.plant.sensors")
        assert (receive.parent, read.parent) == ("", receive.id)
        assert {span.parent for span in by_name.values()} == {read.id}
        assert (read.service, by_name["push plant"].service) == ("vigie plant", "vigie api")

        broker = TopicConnection(**one.stack.connections()["redpanda"])
        [raised] = wait_until(topic(broker, broker.topic_names.alarms), what="the alarm")
        assert isinstance(raised, AlarmTransition)
        assert raised.trace == f"00-{read.trace}-{read.id}-01"
        address = one.stack["redpanda"].address
        assert header_of(address, broker.topic_names.push) == raised.trace

        one.otlp.status = 400
        one.publish("no JSON")
        [letter] = wait_until(
            topic(broker, broker.topic_names.dead_letters("plant")), what="the letter"
        )
        assert isinstance(letter, DeadLetter) and letter.trace
        assert letter.trace[3:35] != read.trace
        wait_until(lambda: spans_total(one.flow.port)["dropped"], what="spans that nobody took")
        one.publish('{"temperature": 30}')
        while '"value":30' not in one.client.recv(PATIENCE):
            pass
        assert spans_total(one.flow.port)["sent"] >= 5


def spans_total(port: int) -> dict[str, float]:
    _, body = ask(port, "/metrics")
    return {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == "vigie_spans_total"
    }


def header_of(broker: str, topic: str) -> str:
    """The `traceparent` of the first record of a topic."""
    consumer = KafkaConsumer(bootstrap_servers=[broker], auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)])
    [record, *_] = wait_until(
        lambda: [one for some in consumer.poll(500).values() for one in some], what="a record"
    )
    consumer.close()
    return dict(record.headers)["traceparent"].decode()
