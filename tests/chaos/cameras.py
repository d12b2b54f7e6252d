"""Cameras under fire: `python -m tests.chaos.cameras [PASSES]`.

People pass before several cameras while each process of the flow is killed again and again. Every
pass must become one event, and its picture must be there or said to be lost.
"""

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import av
import psutil
from minio import Minio

from infra.demo.passes import Pass, write_video
from infra.demo.street_scenes import PERSON
from infra.embedded.rtsp import Mount, Rtsp
from infra.embedded.stack import DATABASE, Stack
from tests.chaos.victim import Victim
from tests.waiting import wait_until

CAMERAS, FPS, ROUND = 4, 8, 24.0
PASSES_A_ROUND = [Pass(PERSON, 1.5, 14.0)]
EDGE = 0.15
"""The part of a pass at either side in which the person is only half in the picture."""
KILLED = ("flows.vision.capture_process", "flows.vision.detection_process", "flows.cli")
PAUSE = (8.0, 20.0)
"""Seconds between kills. A pass takes longer than a camera needs to be seen again: what nobody saw
is no event."""
SETTLE = 60.0
BUCKET = "pictures"
DEFINITION = """\
vigie: 1
flow: passes
tables: {cameras: cameras.csv}
zones:
  street:
ZONES
sources:
  video: {rtsp: {each: cameras, url: "rtsp://{host}/{name}", fps: 5}}
streams:
  people:
    from: video
    steps:
      - motion_gate: {min_area: 0.5 %, hold: 5s}
      - detect: {model: demo8n, classes: [person], confidence: 0.65}
      - track: 4s
      - zones: {inertia: 2}
      - only: {phase: entered}
sinks:
  history: {from: people, clickhouse: {table: events}}
  pictures: {from: people, snapshot: {bucket: pictures, key: "{camera}/{id}.jpg"}}
"""


@dataclass
class Passer:
    """One pass that a camera showed whole, in epoch seconds of its pictures' arrival."""

    camera: str
    began: float
    ended: float


@dataclass
class Watcher:
    """A client of its own that keeps a camera's stream going and knows what it shows."""

    camera: str
    url: str
    passes: list[Passer] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Note each pass until asked to stop."""
        pictures = round(ROUND * FPS)
        shown: dict[int, float] = {}
        with av.open(self.url, options={"rtsp_transport": "tcp"}, timeout=10) as stream:
            for packet in stream.demux(stream.streams.video[0]):
                if self.stopping.is_set():
                    return
                if packet.pts is None or packet.time_base is None:
                    continue
                at = round(float(packet.pts * packet.time_base) * FPS) % pictures / FPS
                self._note(at, shown)

    def _note(self, at: float, shown: dict[int, float]) -> None:
        now = time.time()
        for number, one in enumerate(PASSES_A_ROUND):
            part = (at - one.begins) / one.takes
            if 0 <= part < EDGE:
                shown.setdefault(number, now)
            elif part > 1 - EDGE and number in shown:
                self.passes.append(Passer(self.camera, shown.pop(number), now))


class Street:
    """The services, the flow and the watchers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = [f"camera_{number}" for number in range(CAMERAS)]
        self.stack = Stack(folder / "services", ["redpanda", "clickhouse", "minio"])
        video = folder / "street.mp4"
        write_video(video, PASSES_A_ROUND, ROUND, FPS, seed=10)
        self.rtsp = Rtsp(folder / "rtsp", [Mount(f"/{name}", video) for name in self.names])
        self.victim: Victim
        self.watchers: list[Watcher] = []
        self._ending = ExitStack()

    def __enter__(self) -> "Street":
        self._ending.enter_context(self.stack)
        self._ending.enter_context(self.rtsp)
        corners = "[[0, 0], [1, 0], [1, 1], [0, 1]]"
        zones = "".join(f"    - {{camera: {name}, points: {corners}}}\n" for name in self.names)
        path = self.folder / "passes.yaml"
        path.write_text(DEFINITION.replace("ZONES\n", zones))
        rows = "".join(f"{name},{self.rtsp.address}\n" for name in self.names)
        (self.folder / "cameras.csv").write_text(f"name,host\n{rows}")
        self.victim = Victim("passes", self.folder / "passes", path, self.stack.site)
        self._ending.callback(self.victim.give_up)
        for name in self.names:
            watcher = Watcher(name, self.rtsp.url(f"/{name}"))
            self.watchers.append(watcher)
            threading.Thread(target=watcher.run, daemon=True).start()
            self._ending.callback(watcher.stopping.set)
        self.victim.start(lambda ending: None)
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending.close()

    def passes(self, since: float) -> list[Passer]:
        """The passes that began since then, whole."""
        return [one for w in self.watchers for one in list(w.passes) if one.began >= since]

    def rows(self, words: str) -> list[dict[str, object]]:
        """Rows of the table of events."""
        text = self.stack["clickhouse"].query(
            f"SELECT id, subject, toUnixTimestamp64Milli(time) / 1000 AS at, data FROM events FINAL"
            f" WHERE {words} FORMAT JSONEachRow",
            DATABASE,
        )
        return [json.loads(line) for line in text.splitlines()]

    def entered(self) -> list[dict[str, object]]:
        """The events of people who came into the picture."""
        return self.rows("kind = 'detection'")

    def store(self) -> Minio:
        """A client of the object store."""
        objects = self.stack["minio"]
        keys = {"access_key": objects.access_key, "secret_key": objects.secret_key}
        return Minio(objects.address, secure=False, **keys)

    def processes(self, module: str) -> Iterator[int]:
        """Process ids of the flow that run a module."""
        if not (pid := self.victim.program.pid):
            return
        try:
            flow = psutil.Process(pid)
            for process in [flow, *flow.children(recursive=True)]:
                if module in process.cmdline():
                    yield process.pid
        except psutil.NoSuchProcess:
            return


def kill_at_random(street: Street, chance: random.Random, done: threading.Event) -> dict[str, int]:
    """Kill one process after the other until done; returns how often each."""
    kills = dict.fromkeys(KILLED, 0)
    turn = 0
    while not done.wait(chance.uniform(*PAUSE)):
        module = KILLED[turn % len(KILLED)]
        turn += 1
        if module == "flows.cli":
            street.victim.kill()
            kills[module] += 1
        for pid in list(street.processes(module)) if module != "flows.cli" else ():
            os.kill(pid, signal.SIGKILL)
            kills[module] += 1
        print(f"{time.time():.1f} killed {module}", file=sys.stderr)
    return kills


def account(street: Street, passes: list[Passer]) -> tuple[list[str], list[str]]:
    """The passes without an event of their own, and those with several."""
    events = street.entered()
    missing, doubled = [], []
    for one in passes:
        words = f"{one.camera} at {one.began:.1f}"
        found = [
            event
            for event in events
            if event["subject"] == one.camera
            and one.began - 2 <= float(str(event["at"])) <= one.ended + 2
        ]
        if not found:
            missing.append(words)
        elif len(found) > 1:
            doubled.append(f"{words}: {[event['at'] for event in found]}")
    return missing, doubled


def without_evidence(street: Street) -> list[str]:
    """Events whose picture is neither there nor said to be lost."""
    told = {}
    for row in street.rows("type = 'evidence'"):
        data = json.loads(str(row["data"]))["data"]
        told[data["event"]] = data
    found = street.store().list_objects(BUCKET, recursive=True)
    keys = {str(one.object_name) for one in found}
    lacking = []
    for event in street.entered():
        said = told.get(event["id"])
        if not said or (said["state"] == "stored" and said["key"] not in keys):
            lacking.append(f"{event['id']}: {said}")
    return lacking


def main() -> int:
    """Run it; 1 if a pass is missing or doubled, or evidence neither there nor lost."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vigie-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Street(folder) as street:
            wait_until(lambda: "events" in _tables(street), 120, "the first event", 0.5)
            since, done = time.time(), threading.Event()
            kills: dict[str, int] = {}
            killer = threading.Thread(
                target=lambda: kills.update(kill_at_random(street, random.Random(1), done))
            )
            killer.start()
            wait_until(lambda: len(street.passes(since)) >= wanted, 3600, "the passes", 1.0)
            done.set()
            killer.join()
            passes = street.passes(since)
            with contextlib.suppress(AssertionError):  # what is missing then is told below
                wait_until(lambda: not account(street, passes)[0], SETTLE, "all events", 1.0)
                wait_until(lambda: not without_evidence(street), SETTLE, "all evidence", 1.0)
            missing, doubled = account(street, passes)
            lacking = without_evidence(street)
            if missing or doubled or lacking:
                print(street.victim.said(), file=sys.stderr)
    print(
        f"{len(passes)} passes before {CAMERAS} cameras in {time.monotonic() - began:.0f} s;"
        f" kills: {kills}; missing {len(missing)}, doubled {len(doubled)},"
        f" without evidence {len(lacking)}"
    )
    for line in [*missing, *doubled, *lacking]:
        print(f"  {line}", file=sys.stderr)
    return 1 if missing or doubled or lacking else 0


def _tables(street: Street) -> str:
    return str(street.stack["clickhouse"].query("SHOW TABLES", DATABASE))


if __name__ == "__main__":
    sys.exit(main())
