"""What a detector found, as detections."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from operators.events import Frame, Seen
from operators.vision.detect import DayAndNight, Detect
from tests.operators.shard import CONTEXT, Shard

PERSON = Seen(class_="person", score=0.9)
CAR = Seen(class_="car", score=0.9)


def picture(time: float, *seen: Seen) -> Frame:
    return Frame(
        id=f"f{time:g}", time=time, subject="gate", width=64, height=48, seen=list(seen), jpeg=b"x"
    )


def shard(then: str = "") -> Shard:
    detect = Detect(model="m", classes=["person"], confidence=0.5)
    return Shard(detect, replace(CONTEXT, then=then))


def test_wanted_classes_of_the_wanted_confidence_are_detections() -> None:
    (one,) = shard().feed(picture(1.0, CAR, PERSON, Seen(class_="person", score=0.4)))

    assert (one.id, one.frame, one.class_, one.score) == ("f1/1", "f1", "person", 0.9)  # type: ignore[union-attr]


def test_each_class_may_have_a_confidence_of_its_own() -> None:
    detect = Detect(model="m", classes={"person": 0.6, "car": 0.3, "unicorn": 0.1}, confidence=0.5)
    found = [Seen(class_=name, score=0.4) for name in ("person", "car", "dog")]
    assert [one.class_ for one in Shard(detect).feed(picture(1.0, *found))] == ["car"]  # type: ignore[union-attr]


def test_a_picture_on_which_nothing_was_found_is_told_to_a_track_behind_it_only() -> None:
    assert shard().feed(picture(1.0), picture(2.0, CAR)) == []
    told = shard("track").feed(picture(1.0), picture(2.0, PERSON))
    assert [(one.id, one.time) for one in told] == [("f1", 1.0), ("f2/0", 2.0), ("f2", 2.0)]
    assert told[0] == Frame(id="f1", time=1.0, subject="gate", width=64, height=48, seen=[])


def test_a_picture_that_nobody_looked_at_is_told_to_nobody() -> None:
    unseen = Frame(id="f", time=1.0, subject="gate", width=64, height=48)
    assert shard("track").feed(unseen) == []


def test_another_confidence_counts_by_night() -> None:
    detect = Detect(model="m", classes=["person"], confidence=DayAndNight(day=0.6, night=0.3))
    steps = Shard(detect, replace(CONTEXT, timezone=ZoneInfo("Europe/Paris")))
    unsure = Seen(class_="person", score=0.4)
    noon, midnight = 1_768_906_800.0, 1_768_950_000.0  # 2026-01-20, 12:00 and 24:00 in Paris
    assert steps.feed(picture(noon, unsure)) == []
    assert [one.time for one in steps.feed(picture(midnight, unsure))] == [midnight]
