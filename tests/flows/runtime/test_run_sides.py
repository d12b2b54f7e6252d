"""Tables and commands beside the data of a flow, as real processes on a real broker."""

import json
from pathlib import Path

from kafka import KafkaProducer

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from operators.events import AlarmTransition, Occurrence, Reading
from tests.flow_process import FlowProcess
from tests.flows.conftest import Watch
from tests.flows.running import site_of, write
from tests.waiting import wait_until

RULES = """\
sources:
  prices: {topic: NAME.in}
  rules: {topic: {name: NAME.rules, table: true}}
alarms:
  market: {from: prices, rules: rules, response: Call the desk.}
sinks:
  log: {from: prices, topic: NAME.out}
"""


def price(n: int, value: float, time: float) -> Reading:
    return Reading(id=f"p{n}", time=time, subject="EUR/USD", metric="price", value=value)


def test_rules_are_read_before_the_data_and_a_command_acknowledges_what_they_raised(
    broker: Broker, tmp: Path, unique: str, topic: Watch
) -> None:
    connection = TopicConnection(brokers=[broker.address], idempotence=False, prefix=f"{unique}.")
    site = site_of(
        tmp, redpanda=connection.model_dump(include={"brokers", "idempotence", "prefix"})
    )
    definition = write(tmp, "market", RULES.replace("NAME", unique))
    producer = Producer(connection, Health(), "p")
    rules = KafkaProducer(bootstrap_servers=[broker.address])
    alarms = topic(connection, connection.topic_names.alarms)

    def changes() -> list[str]:
        return [e.event for e in alarms() if isinstance(e, AlarmTransition)]

    def rule(row: dict[str, object] | None) -> None:
        rules.send(
            connection.topic_names.rules,
            None if row is None else json.dumps(row).encode(),
            b"r1",
            partition=0,
        ).get(60)

    topic(connection, connection.topic_names.rules)
    producer.send_events(f"{unique}.in", [price(1, 1.09, 1000)])
    producer.flush()
    rule({"subject": "EUR/USD", "above": 2.0})
    rule({"subject": "EUR/USD", "above": 1.08})
    with FlowProcess(definition, site, tmp / "data") as flow:
        wait_until(
            lambda: changes() == ["activated"],
            what="the alarm of a price that came before the flow",
        )
        ack = {"do": "ack", "alarm": "market", "user": "marie"}
        command = Occurrence(id="c1", time=1001, subject="EUR/USD", type="alarm_command", data=ack)
        producer.send_events(connection.topic_names.alarm_commands, [command])
        wait_until(lambda: changes() == ["activated", "acked"], what="the acknowledgement")
        assert flow.stop() == 0
    rule(None)
    with FlowProcess(definition, site, tmp / "data") as flow:
        wait_until(
            lambda: changes() == ["activated", "acked", "removed"],
            what="the alarm's end with its rule",
        )
        assert flow.stop() == 0
    producer.close()
    rules.close()
