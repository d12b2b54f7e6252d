"""A flow shared out over machines that share nothing but a broker and an object store."""

import shutil
import signal
import time

import pytest

from connectors.base import Health
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.runtime.shards import Share
from flows.site.recovery.takeover import _Point, covering, lease_of, share_of
from infra.embedded.objects import Objects
from operators.events import AlarmTransition, Reading
from tests.bucket import Bucket, connection_to
from tests.flows.conftest import Watch
from tests.flows.site.up import FLOW, Machine, Up
from tests.waiting import wait_until

SUBJECTS = [f"s{n}" for n in range(24)]
DELAY = 20.0


def test_a_share_goes_on_from_the_newest_copies_of_all_that_had_its_partitions() -> None:
    one, two, whole = Share(1, 2), Share(2, 2), Share()
    points = [_Point(9, two, "c"), _Point(7, one, "b"), _Point(4, whole, "a")]
    assert [point.name for point in covering(points, whole)] == ["b", "c"]
    assert [point.name for point in covering(points[1:], whole)] == ["a", "b"]
    assert [point.name for point in covering(points, Share(3, 4))] == ["b"]
    assert share_of("cool", lease_of("cool", two)) == two
    assert share_of("cool", "cool") == whole
    assert share_of("cool", "cooler") is None
    assert not one.overlaps(two) and Share(3, 4).overlaps(one) and whole.overlaps(two)


@pytest.mark.service
def test_what_a_machine_that_is_lost_ran_goes_on_elsewhere_and_the_number_of_shares_may_change(
    up: Up, objects: Objects, topic: Watch, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    up.connection = TopicConnection(
        brokers=up.connection.brokers, idempotence=False, prefix=f"{unique}.", partitions=8
    )
    up.use_store(objects, monkeypatch)
    up.copy_state_to(f"shares-{unique}")
    up.write("cool", text=FLOW.replace("clear: 28", f"clear: 28, for: {DELAY:g}s"))
    producer = Producer(up.connection, Health(), "p")
    out = topic(up.connection, f"{unique}.out.cool")
    alarms = topic(up.connection, up.connection.topic_names.alarms)
    sent: dict[str, Reading] = {}

    def send(name: str, value: float) -> float:
        now = round(time.time(), 3)
        new = [
            Reading(id=f"{name}/{one}", time=now, subject=one, metric="t", value=value)
            for one in SUBJECTS
        ]
        producer.send_events(f"{unique}.in", new)
        producer.flush()
        sent.update((one.id, one) for one in new)
        return now

    def arrived() -> bool:
        return {one.id for one in out()} == set(sent)

    def changes() -> dict[str, AlarmTransition]:
        return {one.id: one for one in alarms() if isinstance(one, AlarmTransition)}

    kept = Machine(up, "one", share="1/2")
    lost = Machine(up, "two", share="2/2")
    kept.wait("running, 8")
    lost.wait("running, 8")
    waits = Machine(up, "one", share="2/2")
    waits.wait("stands by")
    send("cold", 20)
    wait_until(arrived, what="the first readings")
    hot = send("hot", 31)
    wait_until(arrived, what="the second readings")
    store = Bucket(connection_to(objects), f"shares-{unique}")
    copies: set[bytes] = set()

    def copied() -> bool:
        names = [name for name in store.names() if "@2of2" in name]
        copies.update(store.content(name) for name in names)
        return len(copies) > 1

    wait_until(copied, what="a copy that has the second readings")
    lost.process.kill()
    lost.process.wait()
    shutil.rmtree(lost.data)
    send("still hot", 32)
    waits.wait("goes on from")
    waits.wait("running, 8")
    wait_until(arrived, what="the third readings")
    wait_until(lambda: len(changes()) >= len(SUBJECTS), what="the alarms")
    assert {(one.event, one.occ) for one in changes().values()} == {("activated", 1)}
    assert [round(one.time - hot, 3) for one in changes().values()] == [DELAY] * len(SUBJECTS)

    for one in (kept, waits):
        one.process.send_signal(signal.SIGTERM)
        assert one.process.wait(60) == 0, one.log()
    whole = Machine(up, "three")
    whole.wait("running, 8")
    send("cold again", 20)
    wait_until(arrived, what="the last readings")
    wait_until(lambda: len(changes()) >= 2 * len(SUBJECTS), what="the ends of the alarms")
    assert len(changes()) == 2 * len(SUBJECTS)
    refused = Machine(up, "three", share="1/2")
    refused.wait("stands by")
    for one in (whole, refused):
        one.process.kill()
        one.process.wait()
    producer.close()
