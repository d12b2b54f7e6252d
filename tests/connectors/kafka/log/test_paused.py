"""Partitions that are left for a while because who reads them is full."""

import pytest
from kafka import KafkaProducer, TopicPartition

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.log.topic_log import TopicLog
from connectors.kafka.open_consumer import open_consumer
from infra.embedded.broker import Broker
from tests.waiting import PATIENCE, wait_until

BATCHES = 40


@pytest.mark.parametrize("others", [1, 2])
def test_partitions_that_were_left_with_records_at_hand_are_read_on_where_nothing_new_comes(
    broker: Broker, unique: str, others: int
) -> None:
    connection = TopicConnection(brokers=[broker.address])
    ensure_topic(connection, unique, others + 1)
    left = [TopicPartition(unique, number) for number in range(others)]
    alone = TopicPartition(unique, others)
    producer = KafkaProducer(
        bootstrap_servers=broker.address, acks="all", enable_idempotence=False, linger_ms=0
    )
    for number in range(BATCHES):
        for tp in (*left, alone):
            sent = producer.send(unique, b"%d" % number, partition=tp.partition)
            sent.get(PATIENCE)  # a batch each
    producer.close()
    got: dict[TopicPartition, list[bytes]] = {tp: [] for tp in (*left, alone)}
    with open_consumer(connection, max_poll_records=3) as consumer:
        log = TopicLog(consumer, dict.fromkeys(got))

        def read(until: list[TopicPartition], count: int) -> bool:
            for tp, chunks in log.poll(100).items():
                got[tp] += [value for chunk in chunks for value in chunk.values]
            return all(len(got[tp]) >= count for tp in until)

        for number, tp in enumerate(left):
            log.leave({*left[:number], *left[number + 1 :], alone})
            wait_until(lambda tp=tp: read([tp], 1), what=f"the first records of {tp}")
        log.leave(set(left))
        wait_until(lambda: read([alone], BATCHES), what="all of the partition that is not left")
        assert all(len(got[tp]) < BATCHES for tp in left)
        log.leave(set())
        wait_until(lambda: read(left, BATCHES), what="the rest")
    assert set(map(tuple, got.values())) == {tuple(b"%d" % number for number in range(BATCHES))}
