"""The pictures that wait for the broker: bounded, and the newest are kept."""

from collections import Counter

from flows.vision.frames_outbox import Queue, Waiting
from flows.vision.frames_topic import PictureHead


def picture(camera: str, number: int, size: int = 100) -> Waiting:
    return Waiting(PictureHead(str(number), float(number), camera, 64, 48), b"x" * size)


def test_the_newest_pictures_wait_and_the_others_are_dropped() -> None:
    queue = Queue(1000)
    dropped = [lost for number in range(50) for lost in queue.put(picture("gate", number))]
    kept = [int(queue.take().head.id) for _ in range(len(queue))]
    assert kept == list(range(40, 50))
    assert len(dropped) == 40 and queue.total == 0


def test_a_large_camera_costs_no_small_one_its_pictures() -> None:
    queue = Queue(2000)
    lost: Counter[str] = Counter()
    for number in range(50):
        for camera, size in (("small", 50), ("large", 900)):
            lost.update(old.camera for old in queue.put(picture(camera, number, size)))
    kept = Counter(queue.take().camera for _ in range(len(queue)))
    assert kept["large"] >= 1
    assert kept["small"] >= 20, "as much room as they can use"


def test_one_picture_that_is_larger_than_all_room_still_goes() -> None:
    queue = Queue(10)
    queue.put(picture("gate", 1))
    assert [lost.head.id for lost in queue.put(picture("gate", 2))] == ["1"]
    assert len(queue) == 1
