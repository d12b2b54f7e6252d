"""A process that looks at pictures and hangs: what else its flow watches is told as ever."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from operators.events import AlarmTransition, Detection, Event, Reading, decode_lines
from tests.flow_process import FlowProcess
from tests.waiting import wait_until

pytestmark = [pytest.mark.service, pytest.mark.slow]

FLOW = """
vigie: 1
flow: watch
tables: {cameras: [{name: yard}]}
sources:
  video: {rtsp: {each: cameras, url: "simulate:walk", record: 0s}}
  sensors: {topic: SENSORS}
streams:
  people: {from: video, steps: [detect: {model: demo8n, classes: [person]}, track: 3s]}
alarms:
  door_open: {from: sensors, when: {is: open}, only: {metric: door}, response: Close it.}
sinks:
  out: {from: [people, door_open], topic: OUT}
"""


def test_a_process_that_hangs_while_it_looks_at_pictures_delays_no_alarm_of_a_door(
    broker: Broker, tmp: Path, unique: str
) -> None:
    settings = {"brokers": [broker.address], "idempotence": False, "prefix": f"{unique}."}
    site = tmp / "site.yaml"
    site.write_text(json.dumps({"vigie": 1, "site": "test", "connections": {"redpanda": settings}}))
    definition = tmp / "watch.yaml"
    sensors, out = f"{unique}.sensors", f"{unique}.out"
    definition.write_text(FLOW.replace("SENSORS", sensors).replace("OUT", out))
    producer = Producer(TopicConnection.model_validate(settings), Health(), "test")

    def told() -> list[Event]:
        consumer = KafkaConsumer(
            out, bootstrap_servers=broker.address, auto_offset_reset="earliest", group_id=None,
            consumer_timeout_ms=500,
        )  # fmt: skip
        events = [event for record in consumer for event in decode_lines(record.value)]
        consumer.close()
        return events

    with FlowProcess(definition, site, tmp / "data") as flow:
        wait_until(lambda: any(isinstance(e, Detection) for e in told()), what="a person")
        with stopped(flow.pid, "flows.vision.detection_process"):
            now = time.time()
            door = Reading(id="door", time=now, subject="gate", metric="door", value=1.0)
            producer.send_events(sensors, [door])
            producer.flush()
            wait_until(
                lambda: any(isinstance(e, AlarmTransition) for e in told()), what="the alarm"
            )
        seen = len(told())
        wait_until(lambda: len(told()) > seen, what="people again")
    producer.close()


@contextmanager
def stopped(flow: int, module: str) -> Iterator[None]:
    """Stop the child of a flow that runs a module, as one that hangs."""
    (child,) = [
        int(pid)
        for path in Path(f"/proc/{flow}/task").glob("*/children")
        for pid in path.read_text().split()
        if module in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    os.kill(child, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(child, signal.SIGCONT)
