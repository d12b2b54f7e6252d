"""A flow of several cameras whose people and cars are found, followed and told by zones."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from kafka import KafkaConsumer, TopicPartition

from connectors.kafka.connection import TopicConnection
from infra.demo.passes import passes, write_video
from operators.events import Event, Frame, decode_lines
from tests.flow_process import FlowProcess, cpu_of, family

FLOW, SOURCE = "bench_cameras", "video"
FOLLOWED, TOLD = "bench.followed", "bench.told"
FPS, SECONDS = 5, 10.0
MODEL = "demo8n"


def videos(folder: Path, count: int, fps: int = FPS, seconds: float = SECONDS) -> list[Path]:
    """Videos on which somebody passes most of the time, each another one."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"camera{number}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        write_video(path, passes(round(seconds / 8), 8.0), seconds, fps, seed=100 * number)
    return paths


def flow(
    folder: Path, site: Path, addresses: Sequence[str], fps: float = FPS, gate: bool = False
) -> FlowProcess:
    """The flow on these addresses, not yet running; without `gate` every picture is looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"camera{number},{address}" for number, address in enumerate(addresses)]
    (folder / "cameras.csv").write_text("\n".join(["name,path", *rows]) + "\n")
    floor = [[0.2, 0.3], [0.8, 0.3], [0.8, 1.0], [0.2, 1.0]]
    zones = {f"floor{n}": {"camera": f"camera{n}", "points": floor} for n in range(len(addresses))}
    steps = [
        {"detect": {"model": MODEL, "classes": ["person", "car"], "confidence": 0.3}},
        {"track": {"lost_after": "3s"}},
    ]
    if gate:
        steps.insert(0, {"motion_gate": {"min_area": "1 %", "hold": "2s"}})
    definition = {
        "vigie": 1,
        "flow": FLOW,
        "tables": {"cameras": "cameras.csv"},
        "zones": zones,
        "sources": {SOURCE: {"rtsp": {"each": "cameras", "url": "{path}", "fps": fps}}},
        "streams": {
            "followed": {"from": SOURCE, "steps": steps},
            "objects": {"from": "followed", "steps": [{"zones": {"stay": "1s"}}]},
        },
        "sinks": {
            "out_followed": {"from": "followed", "topic": FOLLOWED},
            "out_told": {"from": "objects", "topic": TOLD},
        },
    }
    path = folder / f"{FLOW}.yaml"
    path.write_text(json.dumps(definition))
    return FlowProcess(path, site, folder / "data")


class Events:
    """What comes into some topics, with the wall time at which it was there to be read."""

    def __init__(self, connection: TopicConnection, *topics: str) -> None:
        self._topics = topics
        self._consumer = KafkaConsumer(**connection.client_options(), fetch_max_wait_ms=5)
        self.found: dict[str, list[tuple[float, Event]]] = {topic: [] for topic in topics}

    def read(self) -> None:
        """Take what is there."""
        assigned = self._consumer.assignment()
        absent = set(self._topics) - {partition.topic for partition in assigned}
        for topic in absent:
            self._begin(topic)
        for partition, records in self._consumer.poll(20).items():
            now = time.time()
            for record in records:
                self.found[partition.topic] += [(now, each) for each in decode_lines(record.value)]

    def _begin(self, topic: str) -> None:
        parts = self._consumer.partitions_for_topic(topic)
        if parts:
            new = [TopicPartition(topic, part) for part in parts]
            places = {old: self._consumer.position(old) for old in self._consumer.assignment()}
            self._consumer.assign([*places, *new])
            for old, place in places.items():
                self._consumer.seek(old, place)
            self._consumer.seek_to_beginning(*new)

    def looked_at(self) -> int:
        """The pictures of the first topic that the model was given and answered."""
        events = self.found[self._topics[0]]
        return sum(isinstance(event, Frame) and event.moving for _, event in events)

    def written(self, topic: str) -> int:
        """How many records a topic got so far."""
        parts = self._consumer.partitions_for_topic(topic) or ()
        ends = self._consumer.end_offsets([TopicPartition(topic, part) for part in parts])
        return sum(int(end) for end in ends.values())

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def spent(pid: int) -> dict[str, float]:
    """CPU-seconds of a flow's processes so far: `capture`, `detection`, and the `flow` itself."""
    found = {"capture": 0.0, "detection": 0.0, "flow": cpu_of(pid)}
    for child in psutil.Process(pid).children():
        part = "capture" if "flows.vision.capture_process" in child.cmdline() else "detection"
        found[part] += sum(map(cpu_of, family(child.pid)))
    return found
