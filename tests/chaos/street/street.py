"""The services, the flow under fire, and clients that know what its cameras show."""

import json
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
from tests.chaos.street.account import Passer
from tests.chaos.street.witness import Witness
from tests.chaos.victim import Victim

CAMERAS, FPS, ROUND = 4, 8, 28.0
PASSES_A_ROUND = [Pass(PERSON, 1.5, 18.0, stands=10.0)]
"""Everybody stands for a while: a process that is killed meanwhile sees them again."""
SURE = 0.65
EDGE = 0.1
"""The part of a pass at either side in which the person is only half in the picture."""
KINDS = ("snapshot", "clip")
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
      - detect: {model: demo8n, classes: [person], confidence: CONFIDENCE}
      - track: 4s
      - zones: {inertia: 2}
      - only: {phase: entered}
sinks:
  history: {from: people, clickhouse: {table: events}}
  pictures: {from: people, snapshot: {bucket: pictures, key: "{camera}/{id}.jpg"}}
  clips: {from: people, clip: {bucket: pictures, key: "{camera}/{id}.mp4", before: 2s, after: 3s}}
"""


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
        self.witness: Witness
        self.watchers: list[Watcher] = []
        self._ending = ExitStack()

    def __enter__(self) -> "Street":
        self._ending.enter_context(self.stack)
        self._ending.enter_context(self.rtsp)
        corners = "[[0, 0], [1, 0], [1, 1], [0, 1]]"
        zones = "".join(f"    - {{camera: {name}, points: {corners}}}\n" for name in self.names)
        path = self.folder / "passes.yaml"
        path.write_text(DEFINITION.replace("ZONES\n", zones).replace("CONFIDENCE", str(SURE)))
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
        self.witness = Witness(
            self.stack.connections()["redpanda"]["brokers"][0], "passes", "video", SURE
        )
        self._ending.callback(self.witness.close)
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

    def is_ready(self) -> bool:
        """Whether the flow has made its table of events."""
        return "events" in str(self.stack["clickhouse"].query("SHOW TABLES", DATABASE))

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
