"""A detection process on a broker, fed with pictures and looked at from outside."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from kafka import KafkaProducer

from connectors.kafka.admin import ensure_topic, partition_of
from connectors.kafka.connection import TopicConnection
from flows.vision.frames_topic import PictureHead, headers_of
from tests.waiting import PATIENCE

FLOW, PARTITIONS = "cameras", 2


def jpeg(brightness: int = 200, width: int = 64, height: int = 48) -> bytes:
    """An even picture; the fake model finds a person on it whose score is its brightness."""
    return cv2.imencode(".jpg", np.full((height, width, 3), brightness, np.uint8))[1].tobytes()


class Pictures:
    """Writes pictures into the topic of a source, as the capture process does."""

    def __init__(self, connection: TopicConnection, source: str) -> None:
        self.topic = connection.topic_names.frames(FLOW, source)
        self._connection = connection
        ensure_topic(connection, self.topic, PARTITIONS)
        self._producer = KafkaProducer(
            **connection.client_options(), acks="all", enable_idempotence=False
        )
        self._number = 0

    def send(self, camera: str, data: bytes | None = None, age: float = 0.0) -> str:
        """One picture; the id it got."""
        self._number += 1
        id, taken = f"{camera}-{self._number}", time.time() - age
        head = PictureHead(id, taken, camera, 64, 48, labels={"area": "yard"})
        self._producer.send(
            self.topic,
            data or jpeg(),
            camera.encode(),
            headers_of(head),
            partition=partition_of(camera, PARTITIONS),
            timestamp_ms=int(1000 * taken),
        ).get(PATIENCE)
        return id

    def close(self) -> None:
        self._producer.close(timeout=1)


class Process:
    """`flows.vision.detection_process` with what it tells its parent."""

    def __init__(self, connection: TopicConnection, source: str, folder: Path, **more: Any) -> None:
        settings = {
            "flow": FLOW,
            "source": source,
            "connection": connection.model_dump(),
            "model": "fake:",
            "classes": ["person"],
            "folder": str(folder),
            "batch": {"max": 4, "wait": 0.01},
            "save_every": 0.05,
            "deadline": 3600.0,  # starts may take long beside other work
            **more,
        }
        self.counts: Counter[str] = Counter()
        self.up: set[str] = set()
        self.told: list[tuple[str, str]] = []
        self.detector: dict[str, str] = {}
        self.seen: set[str] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flows.vision.detection_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        self._process.stdin.write(json.dumps(settings) + "\n")
        self._process.stdin.flush()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            message = json.loads(line)
            if "count" in message:
                self.counts[message["count"]] += message["n"]
            elif "up" in message:
                self.up.add(message["up"])
            elif "seen" in message:
                self.seen.add(message["seen"])
            elif "detector" in message:
                self.detector = message["facts"]
            else:
                self.up.discard(message["down"])
                self.told.append((message["down"], message["detail"]))

    def kill(self) -> None:
        self._process.kill()
        self._end()

    def stop(self) -> int:
        """End its input, as a parent that ends does; the exit code."""
        assert self._process.stdin
        self._process.stdin.close()
        status = self._process.wait(PATIENCE)
        self._end()
        return status

    def _end(self) -> None:
        self._process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe and not pipe.closed:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self.kill()
