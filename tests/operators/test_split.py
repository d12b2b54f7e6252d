"""No step with state may depend on where a batch ends, when the process restarts, or how other
subjects' events lie between.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.component import Area, Operator
from operators.events import Detection, Event
from operators.stateful.combine import Combine
from operators.stateful.correlate import Correlate
from operators.stateful.counter import Counter
from operators.stateful.debounce import Debounce
from operators.stateful.deduplicate import Deduplicate
from operators.stateful.mode import Mode
from operators.stateful.rate import Rate
from operators.stateful.silence import Silence
from operators.stateful.stale import Stale
from operators.stateful.vote import Vote
from operators.threshold.step import Threshold
from operators.vision.track import Track
from operators.vision.zones import Zones
from operators.windows.step import Window
from tests.operators.shard import CONTEXT, LATENESS, Shard, reading, step

STEPS = [
    (Deduplicate, "deduplicate: 10s"),
    (Deduplicate, "deduplicate: {by: id, within: 20s}"),
    (Deduplicate, "deduplicate: {by: [value, label.area], within: 20s}"),
    (Threshold, "threshold: {above: 2, clear: 1}"),
    (Threshold, "threshold: {below: 2, clear: 3, for: 10s, clear_for: 15s}"),
    (Threshold, "threshold: {above: 2, clear: 1, for: 10s}"),
    (Threshold, "threshold: {outside: [1, 3], clear: [1.5, 2.5], clear_for: 20s}"),
    (Threshold, "threshold: {inside: [1, 3], clear: [0.5, 3.5], clear_for: 20s}"),
    (Threshold, "threshold: {above: {column: limit, default: 2}}"),
    (Threshold, "threshold: {is: on, clear_for: 7s}"),
    (Threshold, "threshold: {above: 2, times: 3, in: 30s}"),
    (Threshold, "threshold: {above: 2, times: 2, in: 30s, for: 5s, clear_for: 5s}"),
    (Threshold, "threshold: {silent: 12s}"),
    (Threshold, "threshold: {silent: 12s, clear_for: 9s}"),
    (Threshold, "threshold: {seen: 12s}"),
    (Threshold, "threshold: {seen: 12s, times: 2, in: 20s, for: 3s}"),
    (Debounce, "debounce: 12s"),
    (
        Window,
        (
            "window: {every: 10s, calculate: [mean, min, max, sum, count, first, last, delta, p95,"
            " spread, stddev]}"
        ),
    ),
    (Window, "window: {every: 10s, length: 30s, calculate: [mean, count, p95]}"),
    (Window, "window: {every: 10s, calculate: [count], by: label.area}"),
    (Silence, "silence: 12s"),
    (Window, "window: {gap: 7s, calculate: [count, sum, median]}"),
    (Silence, "silence: {after: 12s, by: subject}"),
    (Rate, "rate: {over: 20s, per: 1s}"),
    (Counter, "counter: {wraps_at: 5, forget: 30s}"),
    (Stale, "stale: 12s"),
    (Stale, "stale: {after: 20s, unchanged: 9s}"),
]
VOTES = [
    (Vote, "vote: {need: 2, subject: hall, max_age: 15s}"),
    (Vote, "vote: {need: 1, same: label.area, max_age: 1min}"),
]

ROLES = [
    (
        Combine,
        (
            "combine: {subject: house, metric: surplus, plus: [pir, person], minus: [door],"
            " max_age: 15s}"
        ),
    ),
    (Correlate, "correlate: {within: 15s, need: 2}"),
    (Correlate, "correlate: {same: area, within: 25s, in_order: true}"),
    (Correlate, "correlate: {within: 15s, need: 1, without: person}"),
    (Correlate, "correlate: {same: area, within: 9s, in_order: true, without: [door]}"),
    (Mode, "mode: {role: door, passes: on, start: on}"),
    (Mode, "mode: {role: person, passes: ['1', '2', on], same: label.area}"),
]


def stream(seed: int, ordered: bool = False) -> list[list[Event]]:
    """Batches of readings of a few signals, now and then out of order, doubled, bad or far
    apart.
    """
    dice = random.Random(seed)
    batches: list[list[Event]] = [[]]
    clock = 1000.0
    for n in range(dice.choice([3, 6, 10, 40])):
        clock += dice.choice([0, 0.5, 1, 2, 3, 5, 7, 10, 12, 40])
        event = reading(
            clock if ordered else clock - dice.choice([0, 0, 0, 0, 1, 4, 30]),
            dice.choice([0.0, 1.0, 1.0, 2.0, 3.0, 4.0, None]),
            subject=dice.choice(["a", "b"]),
            metric=dice.choice(["motion", "motion", "power"]),
            quality=dice.choice(["good", "good", "good", "good", "bad"]),
            labels=dice.choice([{}, {"area": "yard"}, {"area": "hall", "limit": "3"}]),
            id=f"{n if ordered else max(0, n - dice.choice([0, 0, 3]))}",
        )
        batches[-1].append(event)
        if dice.random() < 0.3:
            batches.append([])
    return batches


def _fields(events: list[Any]) -> list[Any]:
    return sorted(repr(event) for event in events)


@pytest.mark.parametrize(
    ("kind", "text"), [*STEPS, *VOTES], ids=[text for _, text in [*STEPS, *VOTES]]
)
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_batches_and_restarts_do_not_change_what_comes_out(
    kind: type[Operator], text: str, seed: int
) -> None:
    batches = stream(seed)
    whole = Shard(step(kind, text))
    expected = whole.feed(*(event for batch in batches for event in batch))
    expected += whole.wait_until(1e5)
    split = Shard(step(kind, text), restarts=True)
    got = [out for batch in batches for out in split.feed(*batch)]
    got += split.wait_until(1e5)
    assert got == expected
    assert _fields(split.late) == _fields(whole.late)
    assert split.counts == whole.counts
    ids = [event.id for event in got]
    if kind not in (Deduplicate, Debounce, Vote) and len({e.id for b in batches for e in b}) == sum(
        map(len, batches)
    ):
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("kind", "text"), ROLES, ids=[text for _, text in ROLES])
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_batches_and_restarts_do_not_change_what_roles_make(
    kind: type[Operator], text: str, seed: int
) -> None:
    dice = random.Random(seed)
    roles = [
        [(dice.choice(CONTEXT.roles), event) for event in batch]
        for batch in stream(seed, ordered=True)
    ]
    together = Shard(step(kind, text))
    # Events of one instant have no order between roles, so every batch ends where time moves on.
    moments: list[list[tuple[str, Event]]] = []
    for role, event in [pair for batch in roles for pair in batch]:
        if moments and moments[-1][0][1].time == event.time:
            moments[-1].append((role, event))
        else:
            moments.append([(role, event)])
    expected = together.feed_roles([pair for moment in moments for pair in moment])
    expected += together.wait_until(1e5)
    split = Shard(step(kind, text), restarts=True)
    got = [out for moment in moments for out in split.feed_roles(moment)]
    got += split.wait_until(1e5)
    assert got == expected
    assert split.counts == together.counts


def swapped(events: list[Event], dice: random.Random) -> list[Event]:
    """The events with neighbours of different subjects swapped; none more than the lateness
    behind the newest.
    """
    mixed = list(events)
    for _ in range(len(mixed)):
        place = dice.randrange(max(1, len(mixed) - 1))
        if place + 1 < len(mixed):
            one, other = mixed[place : place + 2]
            newest = max(event.time for event in mixed[: place + 2])
            if (
                getattr(one, "subject", "") != getattr(other, "subject", "")
                and one.time >= newest - LATENESS
            ):
                mixed[place : place + 2] = [other, one]
    return mixed


def of_subject(events: list[Any]) -> dict[str, list[Any]]:
    """What came out, by subject, in the order of time."""
    found: dict[str, list[Any]] = {}
    for event in sorted(events, key=lambda event: (event.time, event.id)):
        found.setdefault(event.subject, []).append(event)
    return found


@pytest.mark.parametrize(("kind", "text"), STEPS, ids=[text for _, text in STEPS])
@settings(max_examples=30)
@example(seed=123)  # an event at its own signal's deadline, exactly the lateness late
@example(seed=776)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_other_subjects_does_not_change_what_comes_out(
    kind: type[Operator], text: str, seed: int
) -> None:
    events = [event for batch in stream(seed, ordered=True) for event in batch]
    one, other = Shard(step(kind, text)), Shard(step(kind, text))
    expected = [*one.feed(*events), *one.wait_until(1e5)]
    got = [*other.feed(*swapped(events, random.Random(seed))), *other.wait_until(1e5)]
    assert of_subject(got) == of_subject(expected)
    assert other.counts == one.counts


SQUARE = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]
IN_PICTURES = replace(
    CONTEXT, zones={"floor": [Area("gate", SQUARE)], "ramp": [Area("dock", SQUARE)]}
)


def walks(dice: random.Random) -> list[Event]:
    """What two cameras see of objects that wander, vanish and come back; some detections are
    late or have a track.
    """
    made: list[Event] = []
    clock = 0.0
    for n in range(dice.choice([5, 20, 60])):
        clock += dice.choice([0.1, 0.2, 0.5, 2.0, 4.0])
        camera, time = dice.choice(["gate", "dock"]), clock - dice.choice([0, 0, 0, 1])
        for k in range(dice.choice([1, 1, 2, 3])):
            box = (round(dice.uniform(0, 0.9), 1), round(dice.uniform(0, 0.6), 1), 0.1, 0.3)
            made.append(
                Detection(
                    id=f"d{n}.{k}", time=time, subject=camera, score=0.9, box=box, frame=f"f{n}",
                    class_=dice.choice(["person", "car"]), track=dice.choice(["1", "2", "2", None]),
                    phase=dice.choice(["update", "update", "end"]),
                )
            )  # fmt: skip
    return made


def cut(events: list[Event], dice: random.Random) -> Iterator[list[Event]]:
    """The events in batches, none of which ends within a picture."""
    left = list(events)
    while left:
        size = dice.randrange(1, 8)
        while {getattr(one, "frame", None) for one in left[:size]} & {
            getattr(one, "frame", None) for one in left[size:]
        }:
            size += 1
        yield left[:size]
        left = left[size:]


@pytest.mark.parametrize(
    "make", [lambda: Track(lost_after="3s"), lambda: Zones(inertia=1),
    lambda: Zones(stay="1s", anchor="overlap"), lambda: Zones(stay="1s", loiter="3s", inertia=2)],
    ids=["track", "zones", "zones with stay", "zones with loitering"],
)  # fmt: skip
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_what_is_seen_on_pictures_depends_on_the_cameras_own_pictures_only(
    make: Callable[[], Operator], seed: int
) -> None:
    dice = random.Random(seed)
    events = walks(dice)
    whole = Shard(make(), IN_PICTURES)
    expected = [*whole.feed(*events), *whole.wait_until(1e5)]
    split = Shard(make(), IN_PICTURES, restarts=True)
    got: list[Event] = []
    for batch in cut(swapped(events, dice), dice):
        got += split.feed(*batch)
    got += split.wait_until(1e5)
    assert of_subject(got) == of_subject(expected)
    assert split.counts == whole.counts
    assert _fields(split.late) == _fields(whole.late)
    phases: dict[tuple[str, str, str], list[str]] = {}
    for event in got:
        assert isinstance(event, Detection)
        phases.setdefault((event.subject, str(event.track), str(event.in_zone)), []).append(
            str(event.phase)
        )
    for told in phases.values():
        told = [phase for phase in told if phase != "loitering"]
        if "entered" in told:
            assert told == ["entered", "left"] * (len(told) // 2) + ["entered"] * (len(told) % 2)
        elif "new" in told:
            assert told == ["new", *["update"] * (len(told) - 2), "end"]


@pytest.mark.parametrize(
    ("kind", "text"), [*STEPS, *VOTES], ids=[text for _, text in [*STEPS, *VOTES]]
)
def test_state_of_silent_signals_is_freed(kind: type[Operator], text: str) -> None:
    shard = Shard(step(kind, text))
    for n in range(50):
        shard.feed(reading(n, float(n % 4), subject=f"s{n}", metric="motion"))
    for days in range(1, 40):
        shard.wait_until(days * 86400.0)
    saved = repr(shard.logic.snapshot())
    assert "s1'" not in saved
    assert shard.logic.next_time().event == float("inf")
