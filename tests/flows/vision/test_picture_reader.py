"""Pictures are read one by one from the topics of frames."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from connectors.base import NoAnswer
from connectors.kafka.connection import TopicConnection
from flows.vision.frames_topic import PictureHead, headers_of, reference
from flows.vision.picture_reader import PictureReader
from infra.embedded.broker import Broker

Send = Callable[[str, int], str]


def to(broker: Broker) -> TopicConnection:
    return TopicConnection.model_validate({"brokers": [broker.address], "idempotence": False})


def send_to(broker: Broker, topic: str) -> Iterator[Send]:
    producer = KafkaProducer(
        bootstrap_servers=broker.address, enable_idempotence=False, max_request_size=8 << 20
    )

    def send(frame: str, size: int = 1000) -> str:
        head = PictureHead(frame, 1_795_000_000.0, "hall", 64, 48)
        value = b"\xff\xd8\xff" + frame.encode() * size
        done = producer.send(topic, value, key=b"hall", headers=headers_of(head)).get(30)
        return reference(topic, done.partition, done.offset)

    yield send
    producer.close()


@pytest.fixture
def send(broker: Broker, unique: str) -> Iterator[Send]:
    yield from send_to(broker, unique)


@pytest.fixture
def reader(broker: Broker) -> Iterator[PictureReader]:
    made = PictureReader(to(broker))
    yield made
    made.close()


def test_each_picture_comes_by_its_reference_in_any_order(
    send: Send, reader: PictureReader
) -> None:
    places = [send(f"f{n}", 1000 + n) for n in range(12)]
    for n in (11, 0, 5, 6, 0):
        assert reader.picture(places[n], f"f{n}") == b"\xff\xd8\xff" + f"f{n}".encode() * (1000 + n)


def test_a_picture_larger_than_what_is_asked_for_comes_whole(
    send: Send, reader: PictureReader
) -> None:
    small, large = send("f1", 10), send("f2", 400_000)
    assert len(reader.picture(large, "f2") or b"") == 800_003
    assert reader.picture(small, "f1") is not None


def test_what_is_not_there_is_gone(send: Send, reader: PictureReader, unique: str) -> None:
    place = send("f1", 10)
    topic, partition, _ = place.split("/")
    assert reader.picture(f"{topic}/{partition}/77", "f1") is None
    assert reader.picture(f"{topic}/99/0", "f1") is None
    assert reader.picture(f"{unique}.none/0/0", "f1") is None
    assert reader.picture("no reference", "f1") is None


def test_another_frame_at_the_same_place_is_not_taken_for_it(
    send: Send, reader: PictureReader
) -> None:
    place = send("f1", 10)
    assert reader.picture(place, "f0") is None
    assert reader.picture(place, None) is not None


def test_a_broker_that_is_down_is_said_and_the_picture_comes_once_it_is_back(
    tmp: Path, own: Any, unique: str
) -> None:
    broker = own(Broker(tmp / "broker"))
    reader = PictureReader(to(broker))
    for send in send_to(broker, unique):
        first = send("f1", 10)
    broker.kill()
    with pytest.raises(NoAnswer, match="no picture comes from the broker"):
        reader.picture(first, "f1")
    broker.start().wait_ready()  # the embedded one has forgotten everything
    for send in send_to(broker, unique):
        place = send("f2", 10)
    assert reader.picture(place, "f1") is None
    assert reader.picture(place, "f2") is not None
    reader.close()
