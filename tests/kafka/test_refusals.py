"""What a broker refuses: said with the remedy, with an exit code at the start, later degraded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaConnectionError
from pydantic import SecretStr

from connectors.base import Health, Refused
from connectors.kafka.admin import explain
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing.fence import Fence
from connectors.kafka.in_flight import is_answered
from connectors.kafka.producer import Producer
from infra.embedded.kafka.server import Kafka, SecuredKafka
from infra.embedded.ports import HOST
from operators.events import encode_lines
from tests.connectors.recorder import Recorder
from tests.flows.running import HOT, site_of, write
from tests.kafka.reading import Following, reading
from tests.waiting import PATIENCE, wait_until


def connect(secured: SecuredKafka, **settings: object) -> TopicConnection:
    known = {"brokers": [secured.sasl_address], "username": "vigie",
             "password": SecretStr(secured.password("vigie"))}  # fmt: skip
    return TopicConnection.model_validate({**known, **settings})


def allow(secured: SecuredKafka, topic: str, *operations: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=secured.address)
    pattern = ResourcePattern(ResourceType.TOPIC, topic)
    admin.create_acls(
        [
            ACL("User:vigie", "*", ACLOperation[operation], ACLPermissionType.ALLOW, pattern)
            for operation in operations
        ]
    )
    known = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern)
    wait_until(
        lambda: {one.operation.name for one in admin.describe_acls(known)[0]} >= {*operations},
        what="the broker to know the rights",
    )
    admin.close()


def take_away(secured: SecuredKafka, topic: str, *operations: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=secured.address)
    pattern = ResourcePattern(ResourceType.TOPIC, topic)
    admin.delete_acls(
        [
            ACLFilter("User:vigie", "*", ACLOperation[one], ACLPermissionType.ALLOW, pattern)
            for one in operations
        ]
    )
    admin.close()


def make(secured: SecuredKafka, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=secured.address)
    admin.create_topics({topic: {"num_partitions": 1}})
    wait_until(lambda: topic in admin.list_topics(), what="the topic")
    admin.close()


def refused(connection: TopicConnection, topic: str = "any") -> str:
    with pytest.raises(Refused) as caught:
        Topic(name=topic).partitions(Recorder().context("source", connection))
    return str(caught.value)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_is_refused(secured: SecuredKafka, mechanism: str):
    said = refused(connect(secured, mechanism=mechanism, password=SecretStr("no")))
    assert "refuses the credentials of user 'vigie'" in said
    assert mechanism in said


def test_a_broker_that_wants_a_user_says_which_mechanisms_it_offers(secured: SecuredKafka):
    said = refused(connect(secured, username=None, password=None))
    assert "wants a user; set `username`, `password` and `mechanism`" in said
    assert "SCRAM-SHA-512" in said


def test_a_user_where_none_is_wanted_is_refused(kafka: Kafka):
    connection = TopicConnection(
        brokers=[kafka.address], username="u", password=SecretStr("p"), mechanism="PLAIN"
    )
    assert "wants no user there" in refused(connection)


def test_tls_where_the_broker_speaks_none_is_refused(kafka: Kafka):
    said = refused(TopicConnection(brokers=[kafka.address], tls=True))
    assert "does not speak TLS there" in said


def test_more_copies_than_there_are_brokers_are_refused_in_the_brokers_words(
    kafka: Kafka, unique: str
):
    said = refused(TopicConnection(brokers=[kafka.address], replication=3), unique)
    assert f"does not make the topic {unique}" in said
    assert "replication" in said


@pytest.mark.parametrize(
    ("rights", "missing"), [((), "Describe"), (("DESCRIBE",), "Read"), (("WRITE",), "Read")]
)
def test_a_missing_right_is_named_with_the_acl_to_add(
    secured: SecuredKafka, unique: str, rights: tuple[str, ...], missing: str
):
    make(secured, unique)
    allow(secured, unique, *rights)
    said = refused(connect(secured), unique)
    assert f"User:vigie has no right to {missing} the topic {unique}" in said
    assert f"kafka-acls --add --allow-principal User:vigie --operation {missing}" in said


def test_a_sink_that_may_not_write_is_refused_before_the_flow_runs(
    secured: SecuredKafka, unique: str
):
    make(secured, unique)
    allow(secured, unique, "READ")
    with pytest.raises(Refused, match=f"has no right to Write the topic {unique}"):
        TopicSink(name=unique).prepare(Recorder().context("sink", connect(secured)))


def test_a_compacted_topic_takes_a_record_for_each_event_and_no_packed_ones(
    kafka: Kafka, unique: str
):
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    compacted = {"num_partitions": 1, "configs": {"cleanup.policy": "compact"}}
    admin.create_topics({unique: compacted})
    wait_until(lambda: unique in admin.list_topics(), what="the topic")
    admin.close()
    recorder, connection = Recorder(), TopicConnection(brokers=[kafka.address])
    context = recorder.context("sink", connection)
    with pytest.raises(Refused, match=r"is compacted.*write `pack: false`"):
        TopicSink(name=unique).prepare(context)
    apart = TopicSink(name=unique, pack=False)
    apart.prepare(context)
    writer = apart.open(context)
    writer.write([reading(n, f"rack{n}") for n in range(3)])
    writer.flush()
    writer.close()

    producer = Producer(connection, recorder.health, "p")
    producer.send_events(unique, [reading(n, f"rack{n}") for n in range(3)])
    wait_until(lambda: "p" in recorder.health.down, what="the producer to say it")
    assert "without a key in a compacted topic" in recorder.health.down["p"]
    producer.close()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_who_may_read_and_write_a_topic_needs_no_right_to_make_it(
    secured: SecuredKafka, unique: str, mechanism: str
):
    make(secured, unique)
    allow(secured, unique, "READ", "WRITE")
    connection = connect(secured, mechanism=mechanism)
    producer = Producer(connection, Health(), "p")
    producer.send(unique, "rack", encode_lines([reading(1)]))
    producer.flush()
    producer.close()
    one = Following(connection, Topic(name=unique))
    assert one.wait_for(lambda ids: ids, what="the reading") == ["r1"]
    one.close()


def test_a_right_that_is_taken_away_later_is_said_and_the_flow_waits(
    secured: SecuredKafka, unique: str
):
    make(secured, unique)
    allow(secured, unique, "DESCRIBE")
    health = Health()
    producer = Producer(connect(secured), health, "p")
    producer.send(unique, "rack", encode_lines([reading(1)]))
    wait_until(lambda: "p" in health.down, what="the producer to say that it waits")
    assert "right" in health.down["p"]
    allow(secured, unique, "WRITE")
    producer.flush()
    wait_until(lambda: not health.down, what="the producer to say that it goes on")
    producer.close()


def test_rights_taken_away_are_named_and_nothing_is_lost_or_doubled_once_they_are_back(
    secured: SecuredKafka, unique: str
):
    make(secured, unique)
    allow(secured, unique, "READ", "WRITE")
    connection, health = connect(secured), Health()
    producer = Producer(connection, health, "p")
    source = Following(connection, Topic(name=unique, start="earliest"))
    sent: list[str] = []

    def send() -> None:
        sent.append(f"r{len(sent)}")
        producer.send(unique, "rack", encode_lines([reading(len(sent) - 1)]))

    send()
    source.wait_for(lambda ids: ids == sent, what="the first reading")
    take_away(secured, unique, "READ")
    wait_until(lambda: source.look() and "source" in source.health.down, what="it is said")
    assert f"no right to Read the topic {unique}" in source.health.down["source"]
    send()
    allow(secured, unique, "READ")
    source.wait_for(lambda ids: ids == sent, what="the second reading")
    take_away(secured, unique, "WRITE")
    wait_until(lambda: send() or "p" in health.down, what="it is said")
    assert "--operation Write" in health.down["p"]
    allow(secured, unique, "WRITE")
    producer.flush()
    source.wait_for(lambda ids: len(ids) >= len(sent), what="all readings")
    assert source.ids() == sent
    wait_until(lambda: not health.down and not source.health.down, what="all is well")
    producer.close()
    source.close()


def test_a_missing_right_on_transactional_ids_is_named_with_the_acl_to_add(
    secured: SecuredKafka, unique: str
):
    make(secured, unique)
    allow(secured, unique, "READ", "WRITE")
    health, fence = Health(), Fence(f"vigie.{unique}", [unique], lambda: None)
    producer = Producer(connect(secured).fenced(fence), health, "p")
    producer.send(unique, "rack", encode_lines([reading(1)]))
    wait_until(lambda: "p" in health.down, what="the producer to say it")
    assert "--operation Write --transactional-id vigie." in health.down["p"]
    admin = KafkaAdminClient(bootstrap_servers=secured.address)
    pattern = ResourcePattern(
        ResourceType.TRANSACTIONAL_ID, "vigie.", ACLResourcePatternType.PREFIXED
    )
    admin.create_acls(
        [ACL("User:vigie", "*", ACLOperation.WRITE, ACLPermissionType.ALLOW, pattern)]
    )
    admin.close()
    producer.flush()
    wait_until(lambda: not health.down, what="the producer to say that it goes on")
    producer.close()


def test_a_mechanism_that_the_broker_does_not_offer_is_refused_with_those_it_does(tmp: Path):
    with OneMechanism(tmp) as broker:
        said = refused(connect(broker, mechanism="SCRAM-SHA-256"))
    assert "does not offer SCRAM-SHA-256; set `mechanism` to one of: SCRAM-SHA-512" in said


class OneMechanism(SecuredKafka):
    def properties(self) -> dict[str, str]:
        return {**super().properties(), "sasl.enabled.mechanisms": "SCRAM-SHA-512"}


def test_the_port_of_a_controller_is_named_as_none_of_a_broker(kafka: Kafka):
    connection = TopicConnection(brokers=[f"{HOST}:{kafka.controller_port}"])
    said = explain(KafkaConnectionError("x"), connection)
    assert "answers, but not as a broker does; name no controller's port" in said


def test_what_is_written_is_not_written_again_when_another_topic_is_refused(
    secured: SecuredKafka, unique: str
):
    mine, others, small = unique, f"{unique}.others", f"{unique}.small"
    for topic in (mine, others, small):
        make(secured, topic)
    allow(secured, mine, "READ", "WRITE")
    allow(secured, small, "READ", "WRITE")
    admin = KafkaAdminClient(bootstrap_servers=secured.address)
    limit = ConfigResource(ConfigResourceType.TOPIC, small, {"max.message.bytes": "1000"})
    admin.alter_configs([limit])
    admin.close()
    connection, health = connect(secured), Health()
    producer = Producer(connection, health, "p", strict=False)
    for number, topic in enumerate([others, small]):
        producer.send(mine, "rack", encode_lines([reading(number)]))
        wait_until(lambda: not producer._queue and all(map(is_answered, producer._in_flight)))
        producer.send(topic, "rack", os.urandom(5000).hex().encode() + b"\n")
        if topic == others:
            wait_until(lambda: "p" in health.down, what="the producer to say it")
            allow(secured, others, "WRITE")
        producer.flush()
    assert [one.topic for one in producer.too_large()] == [small]
    producer.send(mine, "rack", encode_lines([reading(2)]))
    producer.flush()
    source = Following(connection, Topic(name=mine, start="earliest"))
    assert source.wait_for(lambda ids: "r2" in ids, what="the last") == ["r0", "r1", "r2"]
    source.close()
    producer.close()


def test_a_password_that_is_changed_is_said_and_all_goes_on_once_it_is_mended(tmp: Path):
    with SecuredKafka(tmp) as broker:
        make(broker, "t")
        allow(broker, "t", "READ", "WRITE")
        connection, health = connect(broker), Health()
        producer = Producer(connection, health, "p")
        source = Following(connection, Topic(name="t", start="earliest"))
        producer.send("t", "rack", encode_lines([reading(0)]))
        source.wait_for(lambda ids: ids == ["r0"], what="the first reading")
        set_password(broker, "another")
        broker.stop()  # what is logged in stays so
        broker.start().wait_ready()
        producer.send("t", "rack", encode_lines([reading(1)]))
        for name, down in (("p", health.down), ("source", source.health.down)):
            wait_until(
                lambda name=name, down=down: (  # type: ignore[misc]
                    source.look() and "the credentials of user 'vigie'" in down.get(name, "")
                ),
                what=f"{name} to say it",
            )
        set_password(broker, broker.password("vigie"))
        producer.flush()
        assert source.wait_for(lambda ids: "r1" in ids, what="the second") == ["r0", "r1"]
        wait_until(lambda: not health.down and not source.health.down, what="all is well")
        producer.close()
        source.close()


def set_password(broker: SecuredKafka, password: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    found = UserScramCredentialUpsertion("vigie", ScramMechanism.SCRAM_SHA_256, password)
    admin.alter_user_scram_credentials([found])
    admin.close()


def test_a_flow_with_a_wrong_password_ends_with_the_exit_code_of_a_refusal(
    secured: SecuredKafka, tmp: Path, unique: str
):
    broker = {"brokers": [secured.sasl_address], "username": "vigie", "password": "no"}
    definition = write(tmp, "hot", HOT.replace("NAME", unique))
    command = [sys.executable, "-m", "flows.cli", "run", str(definition), "--site"]
    done = subprocess.run(
        [*command, str(site_of(tmp, redpanda=broker)), "--data", str(tmp / "data")],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    assert "refuses the credentials of user 'vigie'" in done.stderr
