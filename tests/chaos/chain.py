"""kill -9 of two flows in a row with an alarm between them: every event is stored once, and
every alarm transition once.
"""

import collections
import json
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt

from infra.embedded.service import ServiceError
from infra.embedded.stack import Stack, measured_on
from tests.chaos.killing import Victims, settle
from tests.chaos.table import Row, machine, recovery, today
from tests.waiting import wait_until

DEVICES = 50

READINGS = "SELECT count(id), uniqExact(id) FROM vigie.readings FINAL"
CHANGES = "SELECT count(id), uniqExact(subject, occ, event) FROM vigie.alarm_events FINAL"
GAPS = (
    "SELECT count() FROM (SELECT subject, max(seq) = count() AS whole FROM vigie.alarm_events FINAL"
    " GROUP BY subject) WHERE NOT whole"
)

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

UNCONFIRMED = 50_000
"""At most; MQTT numbers no more than 65,535 messages under way."""


def envelope(number: int, start: float) -> tuple[str, str]:
    """The n-th message: each device in turn, present and absent by turns, so that every message
    changes an alarm.
    """
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
    waiting: collections.deque[mqtt.MQTTMessageInfo] = collections.deque()
    for number in range(count):
        topic, body = envelope(number, start)
        waiting.append(client.publish(topic, body, qos=1))
        if len(waiting) > UNCONFIRMED:
            waiting.popleft().wait_for_publish(120)
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
        return [0, 0]


def rows(folder: Path, count: int, kills: int, rate: float, seed: int) -> list[Row]:
    """Kill the two flows at random while devices send `count` messages; what the history then
    has of readings and alarms.
    """
    for name, text in {"gate": GATE, "keeper": KEEPER}.items():
        (folder / f"chaos_{name}.yaml").write_text(text)
    definitions = [folder / "chaos_gate.yaml", folder / "chaos_keeper.yaml"]
    with Stack(folder, ["redpanda", "clickhouse", "mqtt"]) as stack:
        victims = Victims(definitions, stack.site, folder / "data", seed)
        try:
            wait_until(
                lambda: "chaos_gate" in (folder / "data/chaos_gate.log").read_text(),
                what="the gate",
            )
            attack = victims.kill_often(kills, 2 * count / rate / kills, threading.Event())
            publish(stack, count, rate)
            attack.join()
            began = time.monotonic()
            settle(lambda: ask(stack, READINGS)[0], count, quiet=90, timeout=300)
            readings_after = time.monotonic() - began
            settle(lambda: ask(stack, CHANGES)[0], count, quiet=90, timeout=300)
            changes_after = time.monotonic() - began
            faults = f"{victims.kills} × kill -9 of one of two flows"
            statuses = victims.stop()
            made = [
                row("ClickHouse, readings", faults, count, ask(stack, READINGS), 0, readings_after),
                row(
                    "ClickHouse, alarm changes",
                    faults,
                    count,
                    ask(stack, CHANGES),
                    ask(stack, GAPS)[0],
                    changes_after,
                ),
            ]
        finally:
            victims.kill_all()
    if statuses != [0, 0]:
        raise RuntimeError(f"the flows ended with {statuses} when asked to end; expected 0 and 0")
    return made


def row(sink: str, faults: str, sent: int, counts: list[int], gaps: int, after: float) -> Row:
    """`counts` are rows and distinct events; `gaps` counts subjects whose changes are not
    numbered without a gap.
    """
    items, distinct = counts
    worst, median = recovery([after])
    return Row(
        source=measured_on("MQTT, two flows and an alarm"),
        sink=sink,
        faults=faults,
        sent=sent,
        stored=distinct,
        lost=max(0, sent - distinct) + gaps,
        duplicated=items - distinct,
        redelivered=0,
        repeated=None,
        out_of_order=None,
        recovery_s=worst,
        recovery_median_s=median,
        recoveries={"process": [round(after, 1)]},
        date=today(),
        machine=machine(),
    )
