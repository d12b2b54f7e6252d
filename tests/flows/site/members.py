"""A flow that more and fewer processes run while readings come, and one of them is killed."""

import itertools
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

from connectors.base import Health
from connectors.kafka.producer import Producer
from infra.embedded.objects import Objects
from operators.events import AlarmTransition, Reading, Row
from tests.flows.conftest import Look, Watch
from tests.flows.site.up import FLOW, Machine, Up
from tests.waiting import wait_until

SUBJECTS = [f"s{n}" for n in range(32)]
WAVES = [SUBJECTS[n::4] for n in range(4)]
DELAY = 6.0
PAUSE = 0.25


class Load:
    """Readings of all subjects, again and again; some of them are hot from a moment on."""

    def __init__(self, up: Up, topic: Watch) -> None:
        self._topic = f"{up.prefix}.in"
        self._producer = Producer(up.connection, Health(), "p")
        self._out = topic(up.connection, f"{up.prefix}.out.cool")
        self._hot: set[str] = set()
        self._done, self._seen = threading.Event(), 0
        self._lock = threading.Lock()
        self.sent: dict[str, Reading] = {}
        self.hot_since: dict[str, float] = {}
        self.cold_since: dict[str, float] = {}
        self.came: set[str] = set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def heat(self, subjects: list[str]) -> None:
        with self._lock:
            self._hot |= set(subjects)

    def cool(self) -> None:
        with self._lock:
            self._hot.clear()

    def look(self) -> set[str]:
        """The readings that came out so far."""
        events = self._out()
        self.came.update(one.id for one in events[self._seen :])
        self._seen = len(events)
        return self.came

    def wait_for_new(self) -> float:
        """Wait until what is sent from now on comes out, of all subjects; the seconds it took."""
        began, mark = time.time(), len(self.sent) + 2 * len(SUBJECTS)
        wait_until(lambda: len(self.sent) >= mark or self._done.is_set(), what="more readings")
        due = set(self.sent)
        wait_until(lambda: due <= self.look(), what="the readings", timeout=300, every=0.1)
        return round(time.time() - began, 1)

    def stop(self) -> None:
        """Send nothing more."""
        self._done.set()
        self._thread.join()

    def end(self) -> None:
        self.stop()
        self._producer.close()

    def _run(self) -> None:
        for number in itertools.count():
            if self._done.wait(PAUSE):
                return
            now = round(time.time(), 3)
            with self._lock:
                new = [
                    Reading(
                        id=f"{number}/{one}",
                        time=now,
                        subject=one,
                        metric="t",
                        value=31.0 if one in self._hot else 20.0,
                    )
                    for one in SUBJECTS
                ]
            for one in new:
                if one.value == 31:
                    self.hot_since.setdefault(one.subject, now)
                elif one.subject in self.hot_since:
                    self.cold_since.setdefault(one.subject, now)
            self._producer.send_events(self._topic, new)
            self._producer.flush()
            self.sent |= {one.id: one for one in new}


def show_that_processes_come_and_go(
    up: Up, objects: Objects, topic: Watch, lease: str = "15s"
) -> dict[str, float]:
    """One process, two, four, one of them killed, one; the seconds until all went on each time.

    `up` has a site file with the keys of the object store as variables.
    """
    up.copy_state_to(f"members-{up.prefix.replace('.', '-')}", lease=lease)
    up.write("cool", text=FLOW.replace("clear: 28", f"clear: 28, for: {DELAY:g}s"))
    alarms = topic(up.connection, up.connection.topic_names.alarms)
    load, machines = Load(up, topic), list[Machine]()
    try:
        took = _change(up, load, machines, alarms)
    except AssertionError as error:
        logs = "\n\n".join(one.log() for one in machines)
        raise AssertionError(f"{error}\n{logs}") from error
    finally:
        load.end()
        for one in machines:
            one.end()
    assert load.look() == set(load.sent)
    assert len(changes(alarms())) == 2 * len(SUBJECTS), "no alarm twice"
    raised = activated(alarms()).values()
    since = {one.subject: round(one.time - load.hot_since[one.subject], 3) for one in raised}
    assert since == dict.fromkeys(SUBJECTS, DELAY)
    flows = topic(up.connection, up.connection.topic_names.flows)

    def said() -> set[str]:
        rows = {one.values["id"]: one for one in flows() if isinstance(one, Row)}
        return {row.values["status"] for row in rows.values()}

    wait_until(lambda: said() == {"stopped"}, what="also shares that nobody has any more to stop")
    return took


def _change(up: Up, load: Load, machines: list[Machine], alarms: Look) -> dict[str, float]:
    took: dict[str, float] = {}

    def start(number: int) -> Machine:
        machines.append(Machine(up, f"member-{number}", share="auto"))
        return machines[-1]

    def go_on(those: list[Machine]) -> None:
        """Wait until these share it out, and all that was sent came out."""
        for one in those:
            one.wait_last(f"/{len(those)}", "running, ")
        load.wait_for_new()

    first = start(1)
    go_on([first])
    load.heat(WAVES[0])
    second = start(2)
    go_on([first, second])
    load.heat(WAVES[1])
    third, fourth = start(3), start(4)
    go_on([first, second, third, fourth])
    load.heat(WAVES[2])
    load.wait_for_new()
    third.process.kill()
    third.process.wait()
    took["killed"] = load.wait_for_new()
    go_on([first, second, fourth])
    load.heat(WAVES[3])
    load.wait_for_new()
    for one in (first, fourth):
        one.process.send_signal(signal.SIGTERM)
    took["stopped"] = load.wait_for_new()
    assert [one.process.wait(60) for one in (first, fourth)] == [0, 0]
    go_on([second])
    wait_until(lambda: len(activated(alarms())) == len(SUBJECTS), what="the alarms")
    load.cool()
    wait_until(lambda: len(load.cold_since) == len(SUBJECTS), what="all cold")
    load.stop()
    load.wait_for_new()
    wait_until(lambda: len(changes(alarms())) >= 2 * len(SUBJECTS), what="the ends of the alarms")
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(60) == 0
    return took


def changes(events: Sequence[object]) -> dict[str, AlarmTransition]:
    """The transitions by id; of one that was written again both are the same."""
    found: dict[str, list[AlarmTransition]] = defaultdict(list)
    for one in events:
        if isinstance(one, AlarmTransition):
            found[one.id].append(one)
    for same in found.values():
        assert len({(one.time, one.event, one.occ) for one in same}) == 1
    return {id: same[0] for id, same in found.items()}


def activated(events: Sequence[object]) -> dict[str, AlarmTransition]:
    """Those that raise an alarm."""
    return {id: one for id, one in changes(events).items() if one.event == "activated"}
