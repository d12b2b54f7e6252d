"""The brokers that these tests stand on: they start, keep what they are told, and take users."""

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from infra.embedded.kafka import jars
from infra.embedded.kafka.cluster import KafkaCluster
from infra.embedded.kafka.server import Kafka, SecuredKafka
from infra.embedded.service import Unavailable
from tests.kafka.conftest import Administer
from tests.waiting import PATIENCE, wait_until


def test_what_is_written_is_there_after_the_only_broker_was_killed(tmp, administer: Administer):
    with Kafka(tmp) as kafka:
        producer = KafkaProducer(bootstrap_servers=kafka.address, acks="all")
        administer([kafka.address]).create_topics({"t": {"num_partitions": 1}})
        producer.send("t", b"kept").get(PATIENCE)
        producer.close()
        kafka.kill()
        kafka.restart()
        consumer = KafkaConsumer("t", bootstrap_servers=kafka.address, auto_offset_reset="earliest")
        record = wait_until(
            lambda: next(iter(consumer.poll(500).values()), None), what="the record"
        )
        assert record[0].value == b"kept"
        consumer.close()


def test_three_brokers_go_on_without_one(cluster: KafkaCluster, administer: Administer):
    administer(cluster.addresses).create_topics(
        {"t": {"num_partitions": 3, "replication_factor": 3}}
    )
    producer = KafkaProducer(bootstrap_servers=cluster.addresses, acks="all")
    cluster.nodes[1].stop()
    sent = [producer.send("t", b"x", partition=partition) for partition in range(3)]
    assert [record.get(PATIENCE).offset for record in sent] == [0, 0, 0]
    producer.close()


def test_a_user_with_a_password_may_do_what_an_acl_allows_and_nothing_else(secured: SecuredKafka):
    options = {
        "bootstrap_servers": secured.sasl_address,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "other",
        "sasl_plain_password": secured.password("other"),
    }
    consumer = KafkaConsumer(**options)
    assert consumer.topics() == set()
    consumer.close()
    with pytest.raises(KafkaError):
        KafkaConsumer(**{**options, "sasl_plain_password": "no"}, bootstrap_timeout_ms=3000)


def test_jars_that_are_not_those_that_were_looked_at_are_refused(tmp):
    (tmp / "kafka-clients-4.1.0.jar").write_bytes(b"another")
    with pytest.raises(Unavailable, match=r"kafka-clients-4\.1\.0\.jar"):
        jars.check(tmp)
