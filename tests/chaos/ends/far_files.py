"""Far ends that leave files: the receiver of webhooks and the object store."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from minio.error import S3Error
from urllib3.exceptions import HTTPError

from infra.embedded.objects import Objects
from tests.bucket import Bucket, connection_to
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
        self._bucket = Bucket(connection_to(store), BUCKET)
        self._prefix = f"{prefix}/"
        self._known: dict[str, str] = {}
        self._events: dict[str, list[tuple[str, str, int]]] = {}

    def seen(self) -> int:
        try:
            self._look()
        except HTTPError as error:
            raise OSError(f"the object store is away: {error}") from error
        except S3Error as error:
            if error.code != "NoSuchBucket":
                raise OSError(f"the object store is not ready: {error}") from error
        return sum(len(events) for events in self._events.values())

    def _look(self) -> None:
        for name, tag in self._bucket.tags(self._prefix).items():
            if self._known.get(name) != tag:
                self._events[name] = self._read(name)
                self._known[name] = tag

    def _read(self, name: str) -> list[tuple[str, str, int]]:
        return [
            (event["id"], event["subject"], self.numbers.number(event["time"]))
            for event in self._bucket.lines(name)
        ]

    def arrived(self) -> Arrived:
        self.seen()
        order = Sequence()
        for name in sorted(self._events):
            for event in self._events[name]:
                order.add(*event)
        return Arrived(sum(map(len, self._events.values())), frozenset(order.numbers), None, None)
