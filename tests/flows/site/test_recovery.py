"""A flow on two machines that share nothing but a broker and an object store."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from connectors.base import Health
from connectors.kafka.producer import Producer
from flows.runtime.saved_state import points, stores
from flows.runtime.saved_state.states import States
from flows.runtime.shards import WHOLE, Share, StateError
from infra.embedded.objects import Objects
from operators.events import AlarmTransition, Reading
from tests.bucket import Bucket, connection_to
from tests.flows.conftest import Watch
from tests.flows.site.two_owners import show_that_the_former_owner_is_refused
from tests.flows.site.up import Machine, Up
from tests.waiting import wait_until


@pytest.mark.service
def test_another_machine_goes_on_where_the_first_one_was_and_that_one_writes_nothing_more(
    up: Up, objects: Objects, topic: Watch, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = f"recovery-{unique}"
    up.use_store(objects, monkeypatch)
    up.copy_state_to(bucket)
    up.write("cool")
    producer = Producer(up.connection, Health(), "p")
    alarms = topic(up.connection, up.connection.topic_names.alarms)
    out = topic(up.connection, f"{unique}.out.cool")

    def send(*values: float) -> None:
        now = time.time()
        producer.send_events(
            f"{unique}.in",
            [
                Reading(id=f"r{now}{n}", time=now, subject=f"s{n}", metric="t", value=value)
                for n, value in enumerate(values)
            ],
        )

    def heard() -> list[tuple[str, str, int]]:
        told = {one.id: one for one in alarms() if isinstance(one, AlarmTransition)}
        return sorted((one.subject, one.event, one.occ) for one in told.values())

    first = Machine(up, "one")
    first.wait("running, ")
    second = Machine(up, "two")
    second.wait("stands by")
    send(31, 20)
    wait_until(heard, what="the alarm")
    store = Bucket(connection_to(objects), bucket)
    copies: set[bytes] = set()

    def copied() -> bool:
        copies.update(store.content(name) for name in store.names())
        return len(copies) > 2

    wait_until(copied, what="a copy of the state that has the alarm")

    first.process.send_signal(signal.SIGSTOP)  # as a machine that nobody reaches any more
    second.wait("goes on from")
    second.wait("running, ")
    send(27, 32)
    wait_until(lambda: len(heard()) == 3, what="the end of one alarm and the start of another")
    assert heard() == [("s0", "activated", 1), ("s0", "returned", 1), ("s1", "activated", 1)]
    first.process.send_signal(signal.SIGCONT)
    assert first.process.wait(60) == 75, first.log()
    assert "ends at once" in first.log()
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(60) == 0, second.log()

    def passed() -> list[float | None]:
        values = {one.id: one.value for one in out() if isinstance(one, Reading)}
        return sorted(values.values(), key=lambda value: value or 0)

    wait_until(lambda: len(passed()) == 4, what="all readings")
    assert passed() == [20, 27, 31, 32]
    assert len(heard()) == 3
    producer.close()


@pytest.mark.service
def test_the_broker_refuses_what_a_former_owner_writes_that_does_not_know_of_the_other(
    up: Up, objects: Objects, topic: Watch, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    up.use_store(objects, monkeypatch)
    show_that_the_former_owner_is_refused(up, objects, topic, f"fence-{unique}")


def test_a_point_is_put_whole_and_a_damaged_one_leaves_what_was_there(tmp_path: Path) -> None:
    folder, other = (tmp_path / name / "flows" / "cool" for name in ("one", "two"))
    for place in (folder, other):
        (place / "outbox" / "mail").mkdir(parents=True)
        (place / points.OWNER).write_text(place.parts[-3])
    (folder / "identity.json").write_text("{}")
    (folder / "outbox" / "mail" / "0").write_text("7")
    (folder / "running-0").write_text("")
    point = points.make(folder)
    (other / "stale").write_text("x")
    with pytest.raises(StateError, match="damaged"):
        points.put([(WHOLE, point[:-1])], other)
    assert (other / "stale").exists()
    points.put([(WHOLE, point)], other)
    found = {str(path.relative_to(other)) for path in other.rglob("*") if path.is_file()}
    assert found == {"identity.json", "outbox/mail/0", points.OWNER}
    assert (other / points.OWNER).read_text() == "two"
    assert os.listdir(tmp_path / "two") == ["flows"]


def test_of_several_points_each_counts_for_its_own_partitions(tmp_path: Path) -> None:
    folder = tmp_path / "one" / "flows" / "cool"
    made = []
    for name in ("first", "second"):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "outbox" / "mail").mkdir(parents=True)
        for part in "0123":
            (folder / "outbox" / "mail" / part).write_text(name)
        stores.create(folder, "0123", 5, States())
        made.append(points.make(folder))
    whole = tmp_path / "two" / "flows" / "cool"
    whole.parent.mkdir(parents=True)
    points.put([(Share(2, 2), made[0]), (Share(1, 2), made[1])], whole)
    said = {path.name: path.read_text() for path in (whole / "outbox" / "mail").iterdir()}
    assert said == {"0": "second", "1": "first", "2": "second", "3": "first"}
    second, first = stores.stores(whole)
    assert (set(first.shards), set(second.shards)) == ({"1", "3"}, {"0", "2"})
    assert not first.is_just_of("13"), "it holds more than that, so it is taken over, not used"
