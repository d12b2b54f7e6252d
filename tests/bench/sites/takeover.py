"""A machine that is lost: how long until the other one goes on, and what it then knows."""

import os
import shutil
import time
from collections import Counter
from pathlib import Path

from connectors.base import Health
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from infra.embedded.objects import Objects
from operators.events import AlarmTransition, Reading
from tests.bench.report import Figure
from tests.flows.site.up import Look, Machine, Up
from tests.waiting import wait_until

PARTITIONS = 8
SUBJECTS = 200
SILENT = 20.0
FLOW = f"""\
vigie: 1
flow: cool
sources: {{readings: {{topic: m.in}}}}
alarms:
  hot: {{from: readings, when: {{above: 30}}, response: x}}
  held: {{from: readings, when: {{above: 30, for: {SILENT:g}s}}, response: x}}
sinks: {{log: {{from: readings, topic: m.out}}}}
"""


def takeover(folder: Path) -> list[Figure]:
    """Kill the owner of a flow and delete its folder, while readings come and timers run."""
    with Broker(folder / "broker") as broker, Objects(folder / "objects") as objects:
        os.environ |= {"KEY": objects.access_key, "SECRET": objects.secret_key}
        up = Up(folder, broker.address, "m")
        up.connection = up.connection.model_copy(update={"partitions": PARTITIONS})
        keys = {"access_key": "${KEY}", "secret_key": "${SECRET}"}
        up.write_site(minio={"url": objects.url, **keys})
        up.copy_state_to("recovery")
        (up.folder / "cool.yaml").write_text(FLOW)
        machines = [Machine(up, "one")]
        try:
            machines[0].wait("running, ")
            machines.append(Machine(up, "two"))
            machines[1].wait("stands by")
            return _measure(up, *machines)
        finally:
            for machine in machines:
                machine.process.kill()


def _measure(up: Up, first: Machine, second: Machine) -> list[Figure]:
    producer = Producer(up.connection, Health(), "p")
    sent: dict[str, float] = {}

    def send(value: float) -> float:
        now = time.time()
        some = [
            Reading(id=f"r{len(sent) + n}", time=now, subject=f"s{n}", metric="t", value=value)
            for n in range(SUBJECTS)
        ]
        sent.update((one.id, now) for one in some)
        producer.send_events("m.in", some)
        return now

    out, alarms = Look(up, "m.out"), Look(up, up.connection.topic_names.alarms)
    hot = send(31)
    wait_until(lambda: out().keys() >= sent.keys(), what="the readings")
    time.sleep(5.0)  # the state that has their timers is copied
    first.process.kill()
    first.process.wait()
    shutil.rmtree(first.data)
    lost = time.monotonic()
    while not (new := [id for id, at in sent.items() if at > hot and id in out()]):
        send(31)
        time.sleep(0.2)
        if time.monotonic() - lost > 120:
            raise AssertionError(second.log())
    gone = time.monotonic() - lost
    assert new
    wait_until(lambda: out().keys() >= sent.keys(), what="all readings")

    def held() -> list[AlarmTransition]:
        told = alarms().values()
        return [
            one for one in told if isinstance(one, AlarmTransition) and one.event == "activated"
        ]

    wait_until(lambda: len(held()) >= 2 * SUBJECTS, what="all alarms")
    producer.close()
    counts = Counter((one.rule, one.subject, one.event, one.occ) for one in held())
    late = [one.time - hot - SILENT for one in held() if one.rule == "cool/held"]
    name = f"machine lost, {PARTITIONS} partitions"
    return [
        Figure(f"{name}: until the other evaluates", gone, "s", bound="≤ 30 s"),
        Figure(f"{name}: readings lost", len(sent.keys() - out().keys()), "", bound="0"),
        Figure(f"{name}: alarms missed", 2 * SUBJECTS - len(counts), "", bound="0"),
        Figure(f"{name}: alarms doubled", counts.total() - len(counts), "", bound="0"),
        Figure(f"{name}: timers off by at most", max(map(abs, late)), "s", bound="0"),
    ]
