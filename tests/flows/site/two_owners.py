"""A flow's former owner that comes back and does not know that another one runs it."""

import collections
import signal
import time

from connectors.base import Health
from connectors.kafka.producer import Producer
from infra.embedded.objects import Objects
from operators.events import AlarmTransition, Reading
from tests.bucket import Bucket, connection_to
from tests.flows.conftest import Watch
from tests.flows.site.up import Machine, Up
from tests.waiting import wait_until


def show_that_the_former_owner_is_refused(
    up: Up, objects: Objects, topic: Watch, bucket: str
) -> None:
    """`up` has a site file with the keys of the object store as variables."""
    up.copy_state_to(bucket)
    up.write("cool")
    producer = Producer(up.connection, Health(), "p")
    out = topic(up.connection, f"{up.prefix}.out.cool")
    alarms = topic(up.connection, up.connection.topic_names.alarms)

    def send(name: str, value: float) -> None:
        subjects = [f"s{n}" for n in range(8)]
        producer.send_events(
            f"{up.prefix}.in",
            [
                Reading(id=f"{name}/{one}", time=time.time(), subject=one, metric="t", value=value)
                for one in subjects
            ],
        )
        producer.flush()

    def passed(name: str) -> list[str]:
        ids = [one.id for one in out() if isinstance(one, Reading)]
        return [id for id in ids if id.startswith(f"{name}/")]

    def changes(event: str) -> dict[str, int]:
        found = [one for one in alarms() if isinstance(one, AlarmTransition)]
        return collections.Counter(one.subject for one in found if one.event == event)

    former = Machine(up, "one", blind=True)
    former.wait("running, ")
    send("first", 20)
    wait_until(lambda: len(set(passed("first"))) == 8, what="the first readings")
    store = Bucket(connection_to(objects), bucket)
    wait_until(store.names, what="a copy of the state")
    former.process.send_signal(signal.SIGSTOP)
    try:
        present = Machine(up, "two")
        present.wait("running, ")
        send("second", 31)  # the former owner has these to read, too
        wait_until(lambda: len(passed("second")) == 8, what="the second readings")
    finally:
        former.process.send_signal(signal.SIGCONT)
    assert former.process.wait(120) == 75, former.log()
    assert "another one took its place" in former.log()
    assert "this process writes nothing more" in former.log()
    send("third", 27)
    wait_until(lambda: len(changes("returned")) == 8, what="the alarms to end")
    wait_until(lambda: len(passed("third")) == 8, what="the third readings")
    assert sorted(passed("second")) == [f"second/s{n}" for n in range(8)]
    assert set(changes("activated").values()) == {1}
    epochs = {name.rpartition("/")[2] for name in store.names()}
    present.process.send_signal(signal.SIGTERM)
    assert present.process.wait(120) == 0, present.log()
    assert max(epochs) == "0000000002.point"
    producer.close()
