"""A capture process as a flow runs it, what it tells its flow, and what it writes to its topics."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from flows.vision.frames_topic import PictureHead, head_of
from flows.vision.video_reader import RINGS
from operators.events import Event, Frame, Reading, decode_lines
from tests.waiting import PATIENCE, wait_until


class Capture:
    """One run; `child.frames()` and `child.events()` are all that it wrote so far."""

    def __init__(
        self,
        broker: str,
        flow: str,
        folder: Path,
        url: str,
        rows: Sequence[Mapping[str, Any]],
        environment: Mapping[str, str] | None = None,
        table_topic: str | None = None,
        gate: Mapping[str, float] | None = None,
        prefix: str = "vigie.",
        private: Mapping[str, Any] | None = None,
        **source: Any,
    ) -> None:
        self.flow, self.folder = flow, folder
        self.messages: list[dict[str, Any]] = []
        self._log = folder / "capture.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = {
            "flow": flow,
            "source": "video",
            "connection": {"brokers": [broker], "idempotence": False, "partitions": 1}
            | {"prefix": prefix},
            "folder": str(folder),
            "settings": {"each": "cameras", "url": url, **source},
            "rows": list(rows),
            "table_topic": table_topic,
            "gate": gate,
            "private": private or {},
            "variables": ["RTSP_USER", "RTSP_PASSWORD", "RTSP_NOT_SET"],
            "detects": True,
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.vision.capture_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(environment or {})},
            )
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(self.settings) + "\n")
        self.process.stdin.flush()
        self._taker = threading.Thread(target=self._take, daemon=True)
        self._taker.start()
        self._consumer = KafkaConsumer(bootstrap_servers=broker, fetch_max_wait_ms=20)
        self._frames: list[tuple[PictureHead, bytes]] = []
        self._events: list[Event] = []
        self._assigned: set[TopicPartition] = set()

    @property
    def ring(self) -> Path:
        return self.folder / RINGS / "video"

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def say(self, **message: Any) -> None:
        """What the flow tells it later."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def counts(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for message in list(self.messages):
            if "count" in message:
                found[message["count"]] += message["n"]
        return found

    def cameras(self) -> dict[str, dict[str, Any]]:
        """The state of each camera, as the flow is told it."""
        told = [message for message in list(self.messages) if "camera" in message]
        newest = {message["camera"]: message["state"] for message in told}
        return {name: state for name, state in newest.items() if state is not None}

    def frames(self, camera: str | None = None) -> list[tuple[PictureHead, bytes]]:
        self._poll()
        return [frame for frame in self._frames if camera in (None, frame[0].camera)]

    def events(self) -> list[Event]:
        self._poll()
        return list(self._events)

    def quiet(self, camera: str) -> list[Frame]:
        return [e for e in self.events() if isinstance(e, Frame) and e.subject == camera]

    def states(self, camera: str) -> dict[str, float | None]:
        """The newest value of each reading of a camera."""
        return {r.metric: r.value for r in self.readings(camera)}

    def readings(self, camera: str) -> list[Reading]:
        return [e for e in self.events() if isinstance(e, Reading) and e.subject == camera]

    def wait_for(self, camera: str, metric: str, value: float) -> Reading:
        wait_until(
            lambda: self.states(camera).get(metric) == value, what=f"{camera}: {metric} {value:g}"
        )
        return [r for r in self.readings(camera) if r.metric == metric][-1]

    def wait_frames(self, camera: str, count: int) -> list[tuple[PictureHead, bytes]]:
        wait_until(lambda: len(self.frames(camera)) >= count, what=f"{count} pictures of {camera}")
        return self.frames(camera)

    def stop(self) -> int:
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._taker.join(5)
        return status

    def close(self) -> None:
        self.stop()
        self._consumer.close()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _take(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.messages.append(json.loads(line))

    def _poll(self) -> None:
        assert self.process.poll() in (None, 0, -signal.SIGKILL), self.log
        for topic in (f"vigie.frames.{self.flow}.video", f"vigie.in.{self.flow}.video"):
            tp = TopicPartition(topic, 0)
            if tp not in self._assigned and self._consumer.partitions_for_topic(topic):
                places = {old: self._consumer.position(old) for old in self._assigned}
                self._assigned.add(tp)
                self._consumer.assign(list(self._assigned))
                self._consumer.seek_to_beginning(tp)
                for old, place in places.items():
                    self._consumer.seek(old, place)
        if not self._assigned:
            return
        for tp, records in self._consumer.poll(50).items():
            for record in records:
                if ".frames." in tp.topic:
                    self._frames.append((head_of(record.headers), record.value))
                else:
                    self._events += decode_lines(record.value)


@contextmanager
def capturing(*arguments: Any, **settings: Any) -> Iterator[Capture]:
    """Run a capture process until the end of the block."""
    run = Capture(*arguments, **settings)
    try:
        yield run
    finally:
        run.close()
