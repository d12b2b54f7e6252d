"""Who watches a camera gets its pictures, and only then are there any; on real services."""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from kafka import KafkaConsumer, TopicPartition

from connectors.kafka.connection import TopicConnection
from connectors.kafka.push_record import WatchedCameras
from flows.vision.live_pictures import LivePictures
from tests.api.running import Api, Topics, receive, receive_event
from tests.flows.vision.capturing import capturing
from tests.waiting import PATIENCE, wait_until

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def camera(topics: Topics) -> Iterator[tuple[LivePictures, list[str]]]:
    """A camera `gate` and a camera `yard` at ten pictures a second; what was encoded."""
    broker = TopicConnection(brokers=[topics.address], prefix=topics.prefix, idempotence=False)
    live, made, stopping = LivePictures(broker, "f"), list[str](), threading.Event()
    live.start()

    def film() -> None:
        image = np.full((360, 640, 3), 90, np.uint8)
        while not stopping.wait(0.1):
            for name in ("gate", "yard"):
                if live.due(name):
                    made.append(name)
                    live.show(name, image, time.time())

    thread = threading.Thread(target=film, name="camera under test")
    thread.start()
    yield live, made
    stopping.set()
    thread.join()
    live.stop()


def test_pictures_come_while_somebody_watches_and_of_no_other_camera(
    api: Api, token: str, camera: tuple[LivePictures, list[str]]
) -> None:
    live, made = camera
    with api.subscribed(token, "readings") as other, api.subscribed(token, "camera_gate") as client:
        frame = receive_event(client, "camera_gate")
        assert (frame["kind"], frame["subject"]) == ("frame", "gate")
        assert base64.b64decode(frame["jpeg"]).startswith(b"\xff\xd8")
        client.send(json.dumps({"type": "unsubscribe", "channels": ["camera_gate"]}))
        wait_until(lambda: "gate" not in live.watched, what="nobody to watch")
        other.send(json.dumps({"type": "ping"}))
        while (message := receive(other))["type"] != "pong":
            assert message["type"] in ("snapshot", "heartbeat")
    assert set(made) == {"gate"}


def test_a_camera_process_shows_what_it_takes_to_those_who_may_see_its_page(
    api: Api, token: str, topics: Topics, tmp: Path
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    httpx.post(f"{api.url}/api/pages", json={"name": "mine"}, headers=headers, timeout=PATIENCE)
    (page,) = api.get("/api/pages", token).json()
    account = {"username": "marie", "password": "correct horse battery"}
    httpx.post(f"{api.url}/api/users", json=account, headers=headers, timeout=PATIENCE)
    marie = httpx.post(f"{api.url}/api/auth/login", json=account, timeout=PATIENCE).json()
    rows = [{"name": "gate", "page": page["key"]}, {"name": "yard"}]
    gate = {"min_area": 0.01, "hold": 1.0}
    with (
        capturing(
            topics.address, "plant", tmp, "simulate:walk", rows, gate=gate, prefix=topics.prefix
        ),
        api.subscribed(token, "camera_gate") as client,
        api.subscribed(marie["access_token"], "camera_gate", "camera_yard") as other,
    ):
        frame = receive_event(client, "camera_gate")
        jpeg = np.frombuffer(base64.b64decode(frame["jpeg"]), np.uint8)
        assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape[1] <= 640
        assert frame["time"] == pytest.approx(time.time(), abs=30)
        came = [receive(other) for _ in range(6)]
    channels = [message["channel"] for message in came if message["type"] == "event"]
    assert channels
    assert set(channels) == {"camera_yard"}


def test_the_topic_says_who_is_watched_again_and_again_and_that_nobody_is_at_the_end(
    api: Api, token: str, topics: Topics
) -> None:
    told: list[WatchedCameras] = []
    consumer = KafkaConsumer(bootstrap_servers=topics.address, auto_offset_reset="earliest")

    def read() -> list[WatchedCameras]:
        part = TopicPartition(topics.names.watched_cameras, 0)
        if not consumer.assignment() and part.topic in consumer.topics():
            consumer.assign([part])
        found: Any = consumer.poll(50) if consumer.assignment() else {}
        for record in found.get(part, []):
            told.append(msgspec.json.decode(record.value, type=WatchedCameras))
        return told

    with contextlib.closing(consumer):
        with api.subscribed(token, "camera_gate", "camera_" + "x" * 99, "cameras"):
            wait_until(lambda: len(read()) >= 2, what="it to be told twice")
        wait_until(lambda: read()[-1].cameras == [], what="nobody to watch")
    assert [one.cameras for one in told[:2]] == [["gate"], ["gate"]]
    assert told[1].at - told[0].at > 3


def test_who_stops_reading_costs_no_memory_and_hurts_nobody(
    api: Api, token: str, topics: Topics
) -> None:
    """Pictures of 500 kB for a client that reads nothing: of each camera only the newest waits."""
    picture = "/9j/" + "A" * 500_000
    hub_clients = api.health()["clients"]
    with (
        api.subscribed(token, "camera_gate", max_queue=1) as stuck,
        api.subscribed(token, "camera_gate") as good,
    ):
        assert api.health()["clients"] == hub_clients + 2
        for number in range(60):  # 30 MB, more than all buffers of the network hold
            frame = {"kind": "frame", "subject": "gate", "time": number, "jpeg": picture}
            topics.pushed("camera_gate", [frame], subject="gate", first="nothing")
            assert receive_event(good, "camera_gate")["time"] == number
        performance = api.get("/api/stats/performance", token).json()
        assert performance["slow_clients"] == 1
        times = [receive_event(stuck, "camera_gate")["time"]]
        while times[-1] < 59:
            times.append(receive_event(stuck, "camera_gate")["time"])
        assert times == sorted(times)
        assert len(times) < 40
