"""`python -m tests.week`: an operator's week with a running site, and whether it kept its word.

Five flows raise alarms on readings that never stop, and send them to a server. Meanwhile they are
edited well and badly, renamed, removed, rolled back, restarted and killed; services go away and
come back, dead letters are filled and replayed, and the data folder is lost. In the end each flow
must have passed on every reading, and each alarm must have been raised and cleared exactly as the
readings say: none lost, doubled or false.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from connectors.base import Health
from connectors.kafka.producer import Producer
from infra.embedded.broker import Broker
from infra.embedded.objects import Objects
from operators.events import AlarmTransition, Reading
from tests.flows.site.up import FLOW, Look, Up
from tests.receivers import Receiver
from tests.waiting import wait_until

NAMES = ("one", "two", "three", "four", "five")
SUBJECTS = 8
EVERY = 0.25
"""Seconds between two readings of a subject."""
SPELL = 20
"""Readings for which a subject is hot, or cold."""
AWAY = float(os.environ.get("AWAY", "20"))
"""Seconds for which a service is away."""
LONG = 300.0
PAGED = FLOW + "  pager: {from: alarms, webhook: {connection: pager, path: /NAME}}\n"


class Feeder:
    """Readings that never stop; `sent` are their values by subject, in order."""

    def __init__(self, up: Up) -> None:
        self.sent: dict[str, list[float]] = {f"s{n}": [] for n in range(SUBJECTS)}
        self.ids: set[str] = set()
        self._up, self._stopped = up, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        producer = Producer(self._up.connection, Health(), "week")
        tick = 0
        while not self._stopped.wait(EVERY):
            some = []
            for n, (subject, values) in enumerate(self.sent.items()):
                values.append(31.0 if (tick + 5 * n) // SPELL % 2 else 20.0)
                id = f"{subject}-{len(values)}"
                some.append(
                    Reading(id=id, time=time.time(), subject=subject, metric="t", value=values[-1])
                )
                self.ids.add(id)
            producer.send_events(f"{self._up.prefix}.in", some)
            tick += 1
        producer.close()

    def changes(self) -> dict[str, list[str]]:
        """The alarms that must have been raised and cleared, by subject."""
        found: dict[str, list[str]] = {}
        for subject, values in self.sent.items():
            changes = found[subject] = list[str]()
            is_hot = False
            for value in values:
                if (value > 30) != is_hot:
                    is_hot = not is_hot
                    changes.append("activated" if is_hot else "returned")
        return found


class Week:
    """The site, and what happens to it. `log` gets a line for each thing that was done."""

    def __init__(self, folder: Path, log: Callable[[str], None]) -> None:
        self._say, self._began = log, time.monotonic()
        self.broker = Broker(folder / "broker")
        self.objects = Objects(folder / "objects")
        self.receiver = Receiver(folder / "receiver")
        for service in (self.broker, self.objects, self.receiver):
            service.start()
        os.environ |= {"KEY": self.objects.access_key, "SECRET": self.objects.secret_key}
        self.up = Up(folder, self.broker.address, "w")
        self.up.write_site(
            pager={"url": self.receiver.url},
            minio={"url": self.objects.url, "access_key": "${KEY}", "secret_key": "${SECRET}"},
        )
        self.up.copy_state_to("recovery")
        self.feeder = Feeder(self.up)
        self.running = dict.fromkeys(NAMES, 30)

    def say(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._began:6.0f} s  {text}")

    # ------------------------------------------------------------------------
    # the days
    def deploys(self) -> None:
        for name in self.running:
            self._write(name)
        self.up.start()
        self._all_run()
        self.feeder.start()
        self.say("five definitions were written into the folder; all run")

    def edits(self) -> None:
        for name in self.running:
            before = self.up.wait_running(name)
            self.up.write(name, "30 furlongs", PAGED)
            self.up.wait(name, lambda one: one.error, "refused")
            self.running[name] = 29
            self._write(name)
            self.up.wait_running(name, not_version=before.version)
        self.say("each was edited badly, refused with its line, and then well; all run")

    def moves(self) -> None:
        (self.up.folder / "one.yaml").rename(self.up.folder / "first.yaml")
        self.up.wait("one", lambda one: one.file == "first.yaml", "in its new file")
        self.say("one.yaml was renamed to first.yaml: the same flow goes on")
        (self.up.folder / "two.yaml").unlink()
        self.up.wait("two", lambda one: one.state == "removed", "removed")
        self._write("two")
        self.up.wait_running("two")
        self.say("two.yaml was removed, and came back: it goes on where it was")
        before = self.up.wait_running("three")
        self._vigie("rollback", "three", "--data", self.up.data)
        self.up.wait_running("three", not_version=before.version)
        self.say("three was rolled back")

    def restarts(self) -> None:
        assert self.up.stop() == 0
        self.up.start()
        self._all_run()
        self.say("everything was stopped and started")
        for name in self.running:
            pid = self.up.wait_running(name).pid or 0
            os.kill(pid, signal.SIGKILL)
            self.up.wait(name, lambda one, pid=pid: one.pid not in (pid, None), "back")  # type: ignore[misc]
        self._all_run()
        self.say("each flow was killed, and came back")
        self.up.kill()
        self.up.start()
        self._all_run()
        self.say("the supervisor was killed, and started again")

    def outages(self) -> None:
        self.receiver.kill()
        time.sleep(AWAY)
        self.receiver.start()
        self.say(f"the pager's server was away for {AWAY:g} s")
        for name, service in (("broker", self.broker), ("object store", self.objects)):
            assert service.pid is not None
            os.kill(service.pid, signal.SIGSTOP)
            time.sleep(AWAY / 2)
            os.kill(service.pid, signal.SIGCONT)
            self.say(f"the {name} hung for {AWAY / 2:g} s")
        self._all_run()

    def dead_letters(self) -> None:
        self.receiver.behave(status=400, match='"s3"')
        wait_until(lambda: self._open_letters() >= len(NAMES), LONG, "dead letters", every=1.0)
        count = self._open_letters()
        self.receiver.behave()
        wait_until(lambda: self._replayed(), LONG, "all letters replayed", every=1.0)
        self.say(f"the pager refused what was about s3: {count} dead letters and more, replayed")

    def loss(self) -> None:
        self.up.kill()
        shutil.rmtree(self.up.data)
        self.up.start()
        self._all_run()
        self.say("the data folder was deleted: all go on from the object store")

    # ------------------------------------------------------------------------
    # the end
    def account(self) -> list[str]:
        """What is wrong, a line each."""
        self.feeder.stop()
        problems: list[str] = []
        wanted = self.feeder.changes()
        for name in self.running:
            out = Look(self.up, f"{self.up.prefix}.out.{name}")
            wait_until(lambda out=out: out().keys() >= self.feeder.ids, LONG, f"readings of {name}")  # type: ignore[misc]
            if more := out().keys() - self.feeder.ids:
                problems.append(f"{name}: readings that nobody sent: {sorted(more)[:5]}")
        alarms = Look(self.up, self.up.connection.topic_names.alarms)
        total = sum(map(len, wanted.values())) * len(self.running)
        self._vigie("status", "--data", self.up.data)

        def told() -> dict[tuple[str, str], list[tuple[float, str, int]]]:
            found: dict[tuple[str, str], list[tuple[float, str, int]]] = {}
            for one in alarms().values():
                if isinstance(one, AlarmTransition) and one.event in ("activated", "returned"):
                    key = one.rule.partition("/")[0], one.subject
                    found.setdefault(key, []).append((one.seq, one.event, one.occ))
            return found

        wait_until(lambda: sum(map(len, told().values())) >= total, LONG, "all alarms", every=1.0)
        for (flow, subject), changes in sorted(told().items()):
            events = [event for _, event, _ in sorted(changes)]
            if events != wanted[subject]:
                problems.append(f"{flow} {subject}: expected {wanted[subject]}, told {events}")
        pages = Counter(one.id for one in self.receiver.received() if not one.again)
        if twice := [id for id, count in pages.items() if count > 1]:
            problems.append(f"pager: told twice: {twice[:5]}")
        self.say(
            f"{len(self.feeder.ids)} readings through {len(self.running)} flows, {total} changes"
            f" of alarms, {len(pages)} messages:"
            f" {'; '.join(problems) or 'none lost, doubled or false'}"
        )
        assert self.up.stop() == 0
        return problems

    def close(self) -> None:
        self.feeder.stop() if self.feeder._thread.is_alive() else None
        self.up.end()
        self.receiver.kill()
        for service in (self.objects, self.broker):
            service.stop()

    def _write(self, name: str) -> None:
        self.up.write(name, self.running[name], PAGED)

    def _all_run(self) -> None:
        for name in self.running:
            self.up.wait_running(name)

    def _vigie(self, *words: object) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *map(str, words)],
            capture_output=True, text=True, timeout=LONG,
        )  # fmt: skip
        return done.stdout + done.stderr

    def _open_letters(self) -> int:
        site = self.up.folder / "site.yaml"
        said = self._vigie("dead-letters", "list", "--site", site, "--open")
        found = re.search(r"^(\d+) dead letter", said, re.MULTILINE)
        return int(found[1]) if found else 0

    def _replayed(self) -> bool:
        for path in self.up.folder.glob("*.yaml"):
            if path.name != "site.yaml":
                self._vigie("dead-letters", "replay", path, "--all")
        return self._open_letters() == 0


DAYS = (
    Week.deploys, Week.edits, Week.moves, Week.restarts, Week.outages, Week.dead_letters, Week.loss
)  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="vigie-week-") as name:
        week = Week(Path(name), lambda line: print(line, flush=True))
        try:
            for day in DAYS:
                day(week)
            problems = week.account()
        except BaseException:
            print(week.up.log.read_text()[-6000:], file=sys.stderr)
            raise
        finally:
            week.close()
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
