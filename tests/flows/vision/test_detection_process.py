"""The detection process on a real broker: what comes out, and what becomes of it in a fault."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.kafka.connection import TopicConnection
from flows.vision.detection_positions import Positions
from infra.embedded.broker import Broker
from operators.events import Event, Frame, Reading
from tests.chaos.small_disk import SmallDisk, missing
from tests.flows.vision.detecting import FLOW, Pictures, Process, jpeg
from tests.waiting import wait_until

Look = Callable[[], list[Event]]


@pytest.fixture
def connection(broker: Broker, unique: str) -> TopicConnection:
    return TopicConnection(brokers=[broker.address], prefix=f"{unique}.", idempotence=False)


@pytest.fixture
def pictures(connection: TopicConnection) -> Iterator[Pictures]:
    made = Pictures(connection, "video")
    yield made
    made.close()


@pytest.fixture
def look(topic, connection: TopicConnection) -> Look:
    return topic(connection, connection.topic_names.of_source(FLOW, "video"))


def frames(look: Look) -> list[Frame]:
    return [event for event in look() if isinstance(event, Frame)]


def ids(look: Look) -> list[str]:
    return [frame.id for frame in frames(look)]


def test_what_is_on_a_picture_goes_to_the_sources_topic(connection, pictures, look, tmp_path):
    with Process(connection, "video", tmp_path) as process:
        id = pictures.send("gate", jpeg(200))
        wait_until(lambda: frames(look), what="the frame")
        [frame] = frames(look)
        wait_until(lambda: process.seen == {"gate"}, what="word that somebody is there")
    assert process.detector.keys() == {"model", "licence", "device"}
    assert (frame.id, frame.subject, frame.width, frame.height) == (id, "gate", 64, 48)
    assert frame.moving and frame.jpeg == b""
    assert frame.labels == {"area": "yard"}
    topic, _, offset = str(frame.picture).rsplit("/", 2)
    assert (topic, offset) == (pictures.topic, "0")
    assert frame.seen is not None
    [person] = frame.seen
    assert person.class_ == "person"
    assert person.score == pytest.approx(200 / 255, abs=0.01)
    assert person.box == pytest.approx((0.25, 0.25, 0.25, 0.5))


def test_a_picture_on_which_nothing_is_is_told_as_empty(connection, pictures, look, tmp_path):
    with Process(connection, "video", tmp_path):
        pictures.send("gate", jpeg(3))
        wait_until(lambda: frames(look), what="the frame")
    assert frames(look)[0].seen == []


def test_what_gathered_before_the_start_is_looked_at_in_order_and_once(
    connection, pictures, look, tmp_path
):
    sent = [pictures.send(camera) for _ in range(10) for camera in ("gate", "dock", "hall")]
    with Process(connection, "video", tmp_path) as process:
        wait_until(lambda: len(frames(look)) >= 30, what="30 frames")
        assert process.stop() == 0
    for camera in ("gate", "dock", "hall"):
        mine = [frame.id for frame in frames(look) if frame.subject == camera]
        assert mine == [id for id in sent if id.startswith(camera)]
    with Process(connection, "video", tmp_path) as process:
        last = pictures.send("gate")
        wait_until(lambda: last in ids(look), what="the last frame")
    assert len(ids(look)) == 31


def test_what_is_older_than_the_deadline_is_skipped_and_counted(
    connection, pictures, look, tmp_path
):
    for _ in range(5):
        pictures.send("gate", age=120)
    fresh = pictures.send("dock")
    with Process(connection, "video", tmp_path, deadline=30.0) as process:
        wait_until(lambda: fresh in ids(look), what="the fresh frame")
        wait_until(lambda: process.counts["skipped_late"] == 5, what="five to be counted")
        assert process.stop() == 0
    assert ids(look) == [fresh]
    saved = json.loads((tmp_path / "detection-video.json").read_text())
    assert sum(saved["positions"].values()) == 6


def test_a_kill_loses_no_picture_and_repeats_only_under_the_same_ids(
    connection, pictures, look, tmp_path
):
    sent: list[str] = []
    model = "fake:?ms=5"
    for _ in range(3):
        with Process(connection, "video", tmp_path, model=model) as process:
            before = len(ids(look))
            sent += [pictures.send(f"camera{n % 3}") for n in range(12)]
            wait_until(lambda before=before: len(ids(look)) > before, what="some frames")
            process.kill()
    with Process(connection, "video", tmp_path, model=model):
        wait_until(lambda: set(sent) <= set(ids(look)), what="every picture")
    assert set(ids(look)) == set(sent)


def test_a_run_that_hangs_is_ended_told_and_done_again(connection, pictures, look, tmp_path):
    hang = tmp_path / "hang"
    with Process(
        connection, "video", tmp_path, model=f"fake:?hang={hang}", hangs_after=1.0
    ) as process:
        first = pictures.send("gate")
        wait_until(lambda: first in ids(look), what="the first frame")
        hang.touch()
        during = [pictures.send("gate") for _ in range(3)]
        wait_until(lambda: process.counts["hung"] >= 1, what="the hang to be counted")
        wait_until(
            lambda: any("took over 1 s" in detail for _, detail in process.told),
            what="the hang to be told",
        )
        hang.unlink()
        wait_until(lambda: during[-1] in ids(look), what="what came during the hang")
        wait_until(lambda: "video detector" in process.up, what="the detector to be up")
    assert len(set(ids(look))) == len(ids(look))


def test_a_worker_that_dies_costs_no_picture(connection, pictures, look, tmp_path):
    die = tmp_path / "die"
    die.touch()
    with Process(connection, "video", tmp_path, model=f"fake:?die={die}") as process:
        sent = [pictures.send("gate") for _ in range(4)]
        wait_until(lambda: len(ids(look)) >= 1, what="a frame")
        wait_until(
            lambda: len(ids(look)) + process.counts["skipped_late"] >= 4, what="every picture"
        )
        wait_until(lambda: process.counts["worker_died"] == 1, what="the death to be counted")
    assert ids(look) == [id for id in sent if id in ids(look)]


def test_of_a_camera_that_is_too_quick_the_newest_picture_wins_and_skips_are_told(
    connection, pictures, look, tmp_path
):
    with Process(
        connection,
        "video",
        tmp_path,
        model="fake:?ms=150",
        batch={"max": 1, "wait": 0.01},
        skips_every=0.2,
    ) as process:
        wait_until(lambda: "video detector" in process.up, what="the detector")
        first = pictures.send("gate")
        wait_until(lambda: first in ids(look), what="the first frame")
        sent = [pictures.send("gate") for _ in range(40)]
        wait_until(lambda: sent[-1] in ids(look), what="the newest picture")
        wait_until(
            lambda: len(ids(look)) + process.counts["skipped_late"] == 41, what="each to be told"
        )
        assert process.counts["skipped_late"] > 0
        wait_until(lambda: any(isinstance(event, Reading) for event in look()), what="the reading")
    reading = next(event for event in look() if isinstance(event, Reading))
    assert (reading.subject, reading.metric) == ("gate", "frames_skipped")
    assert reading.value and reading.value > 0


def test_who_comes_back_too_late_says_in_which_time_nobody_looked(
    connection, pictures, look, tmp_path
):
    with Process(connection, "video", tmp_path, deadline=7200.0) as process:
        first = pictures.send("gate", age=3800.0)
        wait_until(lambda: first in ids(look), what="the first frame")
        assert process.stop() == 0
    for age in (3700.0, 3660.0, 3630.0):
        pictures.send("gate", age=age)

    def told() -> list[Reading]:
        return [e for e in look() if isinstance(e, Reading) and e.metric == "camera_unwatched"]

    with Process(connection, "video", tmp_path, deadline=3600.0, skips_every=0.2) as process:
        wait_until(lambda: "video detection" in process.up, what="the topic to be read")
        last = pictures.send("gate")
        wait_until(lambda: last in ids(look), what="the newest frame")
        wait_until(lambda: len(told()) >= 2, what="the time, and its end")
    away, over = told()[:2]
    assert away.value and away.value >= 69, "from the first of the three to the last"
    assert (away.labels, over.value) == ({"area": "yard"}, 0)
    assert "busy or away" in str(away.text)


def test_half_a_jpeg_is_counted_and_holds_nothing_up(connection, pictures, look, tmp_path):
    with Process(connection, "video", tmp_path) as process:
        pictures.send("gate", jpeg()[:300])
        good = pictures.send("gate")
        wait_until(lambda: good in ids(look), what="the good frame")
        wait_until(lambda: process.counts["bad_picture"] == 1, what="the bad one to be counted")
    assert ids(look) == [good]


def test_a_model_that_nobody_has_is_told_in_words(connection, tmp_path):
    with Process(connection, "video", tmp_path, model="yolov8n") as process:
        wait_until(lambda: process.told, what="the refusal")
        name, detail = process.told[0]
        assert name == "video detector"
        assert "there is no model 'yolov8n'" in detail
        assert process.stop() == 0


def test_classes_that_no_model_knows_are_told_in_words(connection, tmp_path):
    with Process(connection, "video", tmp_path, classes=["zebra", "persons"]) as process:
        wait_until(lambda: process.told, what="the refusal")
    assert process.told[0][1] == (
        "fake: knows none of the classes zebra, persons; it knows person, car:"
        " did you mean 'person'?"
    )


def test_the_worker_ends_with_a_process_that_was_killed(connection, pictures, look, tmp_path):
    with Process(connection, "video", tmp_path) as process:
        pictures.send("gate")
        wait_until(lambda: ids(look), what="a frame")
        [worker] = children(process.pid)
        process.kill()
        wait_until(lambda: not Path(f"/proc/{worker}").exists(), what="the worker's end")


def test_a_broker_that_comes_back_empty_is_read_anew(own, tmp, topic):
    broker = own(Broker(tmp / "broker"))
    connection = TopicConnection(brokers=[broker.address], idempotence=False)
    with Process(connection, "video", tmp / "data") as process:
        pictures = Pictures(connection, "video")
        for _ in range(3):
            pictures.send("gate")
        look = topic(connection, connection.topic_names.of_source(FLOW, "video"))
        wait_until(lambda: len(set(ids(look))) == 3, what="three frames")
        broker.kill()
        pictures.close()
        wait_until(
            lambda: any("no answer" in detail for _, detail in process.told),
            what="the outage to be told",
        )
        broker.start().wait_ready()
        again = Pictures(connection, "video")
        fresh = topic(connection, connection.topic_names.of_source(FLOW, "video"))
        last = again.send("gate")
        wait_until(lambda: last in ids(fresh), what="a frame of the new topic")
        again.close()


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for file in threads for word in file.read_text().split()]


@pytest.mark.skipif(missing() is not None, reason="only root may mount a small disk")
def test_a_full_disk_ends_no_detection_and_positions_are_kept_once_there_is_room(
    tmp: Path,
) -> None:
    disk, file = SmallDisk(tmp / "disk"), tmp / "disk" / "files" / "positions.json"
    try:
        disk.fill()
        positions = Positions(file, "pictures")
        positions.start(0, 5)
        positions.done(positions.read(0, 5))
        positions.save()
        assert Positions(file, "pictures").all() == {}
        disk.make_room()
        positions.save()
        assert Positions(file, "pictures").all() == {0: 6}
    finally:
        disk.unmount()
