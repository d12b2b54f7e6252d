"""Live pictures are made for cameras that somebody watches, at a bounded rate."""

from contextlib import closing
from typing import Any

import msgspec
import numpy as np
import pytest
from kafka import KafkaConsumer

from connectors.kafka.admin import ensure_topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.push_record import TRUE_FOR, WatchedCameras
from flows.vision.live_pictures import WIDTH, LivePictures, small_jpeg
from flows.vision.watched_cameras import Watched
from infra.embedded.broker import Broker
from tests.waiting import wait_until

cv2 = pytest.importorskip("cv2")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(*cameras: str) -> bytes:
    return msgspec.json.encode(WatchedCameras(cameras=list(cameras), at=1.0))


def test_a_camera_is_watched_while_any_api_says_so_and_for_a_while_after_its_last_word() -> None:
    clock = Clock()
    watched = Watched(clock)
    assert "gate" not in watched
    watched.take(b"one", told("gate", "yard"))
    watched.take(b"two", told("gate"))
    watched.take(b"one", told())
    assert "gate" in watched
    assert "yard" not in watched
    clock.now += TRUE_FOR + 1
    assert "gate" not in watched


def test_a_record_that_tells_nothing_is_passed_over() -> None:
    watched = Watched(Clock())
    watched.take(b"one", told("gate"))
    watched.take(b"two", b"{not json")
    watched.take(b"two", b'{"cameras": 5, "at": 1}')
    assert "gate" in watched


def test_at_most_five_pictures_a_second_are_due_and_two_where_nothing_moves() -> None:
    clock = Clock()
    watched = Watched(clock)
    live = LivePictures(TopicConnection(brokers=["127.0.0.1:1"]), "f", watched, clock)
    image = np.zeros((4, 4, 3), np.uint8)
    counts = {True: 0, False: 0}
    for moving in counts:
        for _ in range(100):  # ten seconds of ten pictures a second
            clock.now += 0.1
            watched.take(b"one", told("gate"))
            assert not live.due("yard", moving)
            if live.due("gate", moving):
                counts[moving] += 1
                live.show("gate", image, clock.now)
    assert counts[True] == pytest.approx(50, abs=2)
    assert counts[False] == pytest.approx(20, abs=2)


def test_of_pictures_that_cannot_be_sent_only_the_newest_of_each_camera_waits() -> None:
    live = LivePictures(TopicConnection(brokers=["127.0.0.1:1"]), "f", Watched(Clock()))
    for number in range(100):
        live.show(f"c{number % 3}", np.zeros((4, 4, 3), np.uint8), float(number))
    assert {camera: shot.time for camera, shot in live._waiting.items()} == {
        "c0": 99.0,
        "c1": 97.0,
        "c2": 98.0,
    }


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (320, 240)])
def test_a_picture_is_made_small_and_never_large(width: int, height: int) -> None:
    rng = np.random.default_rng(0)
    image = cv2.resize(
        rng.integers(0, 255, (18, 32, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )
    jpeg = small_jpeg(image)
    seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert seen.shape[1] == min(width, WIDTH)
    assert seen.shape[0] == pytest.approx(height * seen.shape[1] / width, abs=1)
    assert len(jpeg) < 100_000


def test_pictures_are_sent_though_the_client_failed_when_their_topic_was_to_be_made(
    broker: Broker, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = TopicConnection(brokers=[broker.address], prefix=f"{unique}.")
    failed: list[str] = []

    def fails_once(*arguments: Any, **more: Any) -> None:
        if not failed:
            failed.append("once")
            raise TypeError("an answer and the loss of a connection met")
        ensure_topic(*arguments, **more)

    monkeypatch.setattr("flows.vision.live_pictures.ensure_topic", fails_once)
    live = LivePictures(connection, "f", Watched())
    live.start()
    try:
        live.show("gate", np.zeros((4, 4, 3), np.uint8), 1.0)
        with closing(
            KafkaConsumer(
                connection.topic_names.live_pictures,
                bootstrap_servers=broker.address,
                auto_offset_reset="earliest",
            )
        ) as consumer:
            wait_until(lambda: consumer.poll(200), what="the picture")
    finally:
        live.stop()
    assert failed
