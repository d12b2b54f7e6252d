"""Far ends that leave files: the receiver of webhooks and the object store."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.objects import Objects
from tests.chaos.ends.numbers import Numbers
from tests.chaos.ends.observers import Arrived, Deliveries, Observer, Sequence

BUCKET = "chaos"


class HookReader:
    """Follows the file of accepted requests; those to `/SOURCE` go to that source's deliveries."""

    def __init__(self, file: Path, deliveries: Mapping[str, Deliveries]) -> None:
        self._file = file
        self._deliveries = deliveries
        self._at = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hooks", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closing.wait(0.2):
            self.read()

    def read(self) -> None:
        with self._file.open("rb") as file:
            file.seek(self._at)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return
        self._at += len(whole) + 1
        for line in whole.split(b"\n"):
            request = json.loads(line)
            event = json.loads(request["body"])
            self._deliveries[request["path"].strip("/")].take([{**event, "id": request["id"]}])

    def close(self) -> None:
        self._closing.set()
        self._thread.join(10)


class InObjects(Observer):
    """Lines of the objects below one prefix; a line that is there twice is a duplicate."""

    def __init__(self, numbers: Numbers, store: Objects, prefix: str) -> None:
        super().__init__(numbers)
        self._folder = store.folder / "buckets" / BUCKET / prefix
        self._known: dict[Path, tuple[int, int]] = {}
        self._events: dict[Path, list[tuple[str, str, int]]] = {}

    def seen(self) -> int:
        for path in self._folder.rglob("*.jsonl"):
            state = path.stat()
            if self._known.get(path) != (state.st_mtime_ns, state.st_size):
                self._known[path] = (state.st_mtime_ns, state.st_size)
                self._events[path] = self._read(path)
        return sum(len(events) for events in self._events.values())

    def _read(self, path: Path) -> list[tuple[str, str, int]]:
        events = [json.loads(line) for line in path.read_bytes().rpartition(b"\n")[0].splitlines()]
        return [
            (event["id"], event["subject"], self.numbers.number(event["time"])) for event in events
        ]

    def arrived(self) -> Arrived:
        self.seen()
        order = Sequence()
        for path in sorted(self._events):
            for event in self._events[path]:
                order.add(*event)
        return Arrived(sum(map(len, self._events.values())), frozenset(order.numbers), None, None)
