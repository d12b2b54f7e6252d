"""kill -9 of flow processes: every event is stored once and every alarm transition once."""

import json
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from infra.embedded.service import ServiceError
from infra.embedded.stack import Stack
from tests.chaos.killing import Victims, settle
from tests.conftest import require
from tests.waiting import wait_until

DEVICES = 50

GATE = """\
vigie: 1
flow: chaos_gate
sources:
  sensors:
    mqtt: {topics: [sensor/#]}
streams:
  readings:
    from: sensors
    steps:
      - decode: pir_envelope
      - only: {metric: motion}
alarms:
  someone:
    from: readings
    when: {is: on}
    response: Look at the camera.
sinks:
  log: {from: readings, topic: chaos.readings}
"""

KEEPER = """\
vigie: 1
flow: chaos_keeper
sources:
  readings: {topic: chaos.readings}
  transitions: {topic: vigie.alarms}
sinks:
  history: {from: readings, clickhouse: readings}
  alarms_history: {from: transitions, clickhouse: alarm_events}
"""


def envelope(number: int, start: float) -> tuple[str, str]:
    """The n-th message: each device in turn, present and absent by turns, so that every message changes an alarm."""
    device, turn = number % DEVICES, number // DEVICES
    body = {
        "event_id": f"e{number}",
        "device_id": f"pir_{device}",
        "source": "sensor-motion",
        "type": "MOTION_DETECTED",
        "data": {"presence": turn % 2 == 0},
        "timestamp": start + number / 1000,
    }
    return f"sensor/motion/{device}", json.dumps(body)


def publish(stack: Stack, count: int, rate: float) -> None:
    """Publish with QoS 1 and wait until Mosquitto has confirmed every message."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="devices")
    client.max_inflight_messages_set(1000)
    client.username_pw_set("devices", stack["mqtt"].password("devices"))
    client.connect("127.0.0.1", stack["mqtt"].port)
    client.loop_start()
    began, start = time.monotonic(), time.time() - count / 1000
    waiting = []
    for number in range(count):
        topic, body = envelope(number, start)
        waiting.append(client.publish(topic, body, qos=1))
        if number % 200 == 0 and (ahead := began + number / rate - time.monotonic()) > 0:
            time.sleep(ahead)
    for info in waiting:
        info.wait_for_publish(120)
    client.loop_stop()
    client.disconnect()


def ask(stack: Stack, sql: str) -> list[int]:
    try:
        return [int(word) for word in stack["clickhouse"].query(sql).split()]
    except ServiceError:
        return [0]


def run(folder: Path, count: int, kills: int, rate: float, seed: int) -> None:
    for name in ("gate", "keeper"):
        (folder / f"chaos_{name}.yaml").write_text({"gate": GATE, "keeper": KEEPER}[name])
    definitions = [folder / "chaos_gate.yaml", folder / "chaos_keeper.yaml"]
    with Stack(folder, ["redpanda", "clickhouse", "mqtt"]) as stack:
        victims = Victims(definitions, stack.site, folder / "data", seed)
        try:
            wait_until(lambda: "chaos_gate" in (folder / "data/chaos_gate.log").read_text(), 20, "the gate")
            done = threading.Event()
            attack = victims.kill_often(kills, 2 * count / rate / kills, done)
            publish(stack, count, rate)
            attack.join()
            rows = "SELECT count(id) FROM vigie.readings FINAL"
            settle(lambda: ask(stack, rows)[0], count, quiet=20, timeout=180)
            changes = "SELECT count(id) FROM vigie.alarm_events FINAL"
            settle(lambda: ask(stack, changes)[0], count, quiet=20, timeout=60)
            assert victims.kills == kills
            stored = ask(stack, "SELECT count(id), uniqExact(id) FROM vigie.readings FINAL")
            assert stored == [count, count], f"sent {count} events; stored, distinct: {stored}"
            once = "SELECT count(id), uniqExact(id), uniqExact(subject, occ, event) FROM vigie.alarm_events FINAL"
            assert ask(stack, once) == [count, count, count]
            gaps = (
                "SELECT count() FROM (SELECT subject, max(seq) = count() AS whole FROM vigie.alarm_events FINAL "
                "GROUP BY subject) WHERE NOT whole"
            )
            assert ask(stack, gaps) == [0]
            assert victims.stop() == [0, 0]
        finally:
            victims.kill_all()


@pytest.mark.slow
def test_every_event_and_transition_is_stored_once_although_flows_are_killed(tmp: Path) -> None:
    for service in Stack(tmp, []).services.values():
        require(type(service))
    run(tmp, count=20_000, kills=4, rate=2_000, seed=1)


@pytest.mark.chaos
def test_twenty_kills_during_two_hundred_thousand_events_lose_and_double_nothing(tmp: Path) -> None:
    run(tmp, count=200_000, kills=20, rate=4_000, seed=2)
