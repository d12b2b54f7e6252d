"""Reloads as other systems get them wrong; the numbers are those of the list of acceptance."""

import time
from pathlib import Path

import httpx
import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from infra.embedded.ports import free_port
from operators.events import Reading
from tests.flows.conftest import Watch
from tests.flows.site.up import FLOW, Up
from tests.receivers import Receiver
from tests.waiting import wait_until

pytestmark = pytest.mark.service
TOKEN = "of-a-length-that-is-enough"


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
    foreign.write_text("{}")
    up.write_site(webhook={"url": "nowhere"})
    text = FLOW + "  backend: {from: readings, webhook: {connection: webhook, path: /in}}\n"
    up.write("cool", text=text)
    shown = up.wait("cool", lambda one: "nowhere" in str(one.error), "refused for its connection")
    assert (shown.state, shown.pid) == ("running", first.pid)
    assert up.stop() == 0


def test_a2_its_own_port_all_sources_the_kind_of_a_sink_and_a_table_change_and_it_goes_on(
    up: Up, topic: Watch
) -> None:
    port = free_port()
    up.write_site(
        http={"port": port, "tokens": {"probe": TOKEN}},
        webhook={"url": f"http://127.0.0.1:{free_port()}"},
    )
    (up.folder / "racks.csv").write_text("subject,room\na,north\n")
    text = (
        "vigie: 1\nflow: cool\ntables: {racks: racks.csv}\n"
        'sources: {posts: {http: {path: /in, subject: "{s}", value: "{v}"}}}\n'
        "streams: {known: {from: posts, steps: [lookup: racks]}}\n"
        "sinks:\n  log: {from: known, topic: PREFIX.out}\n"
    )

    def post(subject: str, value: float) -> None:
        url = f"http://127.0.0.1:{port}/in"
        token = {"Authorization": f"Bearer {TOKEN}"}
        sent = {"s": subject, "v": value}
        wait_until(
            lambda: httpx.post(url, json=sent, headers=token).status_code == 202,
            what="the post to be taken",
        )

    up.write("cool", text=text)
    up.start()
    first = up.wait_running("cool")
    post("a", 1)
    (up.folder / "racks.csv").write_text("subject,room\na,south\n")
    second = up.wait_running("cool", not_version=first.version)
    assert second.error is None, "the port was free again, and the table is read anew"
    post("a", 2)
    other = text.replace("http: {path: /in", "http: {path: /other").replace("posts", "others")
    up.write(
        "cool", text=other.replace("topic: PREFIX.out", "webhook: {connection: webhook, path: /in}")
    )
    third = up.wait_running("cool", not_version=second.version)
    assert third.error is None and third.reloads == {"ok": 3}
    up.write("cool", text=text)
    assert up.wait_running("cool", not_version=third.version).error is None
    post("a", 3)
    look = topic(up.connection, f"{up.prefix}.out")
    wait_until(lambda: len(look()) == 3, what="all readings")
    rows = [one for one in look() if isinstance(one, Reading)]
    assert [(one.value, one.labels["room"]) for one in rows] == [
        (1, "north"), (2, "south"), (3, "south")
    ]  # fmt: skip
    assert up.stop() == 0
