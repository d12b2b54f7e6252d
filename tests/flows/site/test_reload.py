"""Reloads as other systems get them wrong; the numbers are those of the list of acceptance."""

import time
from pathlib import Path

import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from infra.embedded.ports import free_port
from operators.events import Reading
from tests.flows.site.up import FLOW, Up
from tests.receivers import Receiver
from tests.waiting import wait_until

pytestmark = pytest.mark.service


def send(producer: Producer, topic: str, *numbers: int) -> None:
    now = time.time()
    producer.send_events(
        topic,
        [Reading(id=f"r{n}", time=now, subject="a", metric="m", value=n) for n in numbers],
    )


def test_a1_an_edit_mends_a_sink_that_is_down_and_nothing_is_lost_or_doubled(
    up: Up, tmp: Path
) -> None:
    with Receiver(tmp / "receiver") as receiver:
        mend_a_sink(up, receiver)


def mend_a_sink(up: Up, receiver: Receiver) -> None:
    up.write_site(webhook={"url": f"http://127.0.0.1:{free_port()}"})
    text = FLOW + "  backend: {from: readings, webhook: {connection: webhook, path: /in}}\n"
    up.write("cool", text=text)
    up.start()
    first = up.wait_running("cool")
    producer = Producer(up.connection, Health(), "p")
    send(producer, f"{up.prefix}.in", 1, 2, 3)
    wait_until(lambda: "backend waits" in up.log.read_text(), what="the sink to be down")

    up.write_site(webhook={"url": receiver.url})
    up.wait("cool", lambda one: one.state == "running" and one.pid != first.pid, "started again")
    send(producer, f"{up.prefix}.in", 4)
    wait_until(lambda: len(receiver.received()) >= 4, what="all readings")
    assert len(receiver.received()) == len({one.id for one in receiver.received()}) == 4
    assert up.stop() == 0
    producer.close()


def test_a2_neither_the_new_version_nor_the_old_one_can_start_and_both_reasons_are_shown(
    up: Up,
) -> None:
    up.write("cool")
    up.start()
    first = up.wait_running("cool")
    foreign = up.data / "flows" / "cool" / "identity.json"
    foreign.write_text("{")
    up.write("cool", limit=31)
    shown = up.wait("cool", lambda one: one.error, "refused")
    assert "identity.json is damaged" in str(shown.error)
    assert (shown.state, shown.pid) == ("running", first.pid), "the check finds it before the swap"
    assert up.stop() == 0
