"""No step with state may depend on where a batch ends or when the process restarts."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.combine import Combine
from operators.component import Operator
from operators.correlate import Correlate
from operators.debounce import Debounce
from operators.deduplicate import Deduplicate
from operators.events import Event
from operators.silence import Silence
from operators.threshold import Threshold
from operators.window import Window
from tests.operators.shard import CONTEXT, Shard, reading, step

STEPS = [
    (Deduplicate, "deduplicate: 10s"),
    (Deduplicate, "deduplicate: {by: id, within: 20s}"),
    (Deduplicate, "deduplicate: {by: [value, label.area], within: 20s}"),
    (Threshold, "threshold: {above: 2, clear: 1}"),
    (Threshold, "threshold: {below: 2, clear: 3, for: 10s, clear_for: 15s}"),
    (Threshold, "threshold: {above: 2, clear: 1, for: 10s}"),
    (Threshold, "threshold: {outside: [1, 3], clear: [1.5, 2.5], clear_for: 20s}"),
    (Threshold, "threshold: {above: {column: limit, default: 2}}"),
    (Threshold, "threshold: {is: on, clear_for: 7s}"),
    (Threshold, "threshold: {above: 2, times: 3, in: 30s}"),
    (Threshold, "threshold: {above: 2, times: 2, in: 30s, for: 5s, clear_for: 5s}"),
    (Threshold, "threshold: {silent: 12s}"),
    (Threshold, "threshold: {silent: 12s, clear_for: 9s}"),
    (Threshold, "threshold: {seen: 12s}"),
    (Threshold, "threshold: {seen: 12s, times: 2, in: 20s, for: 3s}"),
    (Debounce, "debounce: 12s"),
    (Window, "window: {every: 10s, calculate: [mean, min, max, sum, count, first, last, delta, p95, spread, stddev]}"),
    (Window, "window: {every: 10s, length: 30s, calculate: [mean, count, p95]}"),
    (Window, "window: {every: 10s, calculate: [count], by: label.area}"),
    (Silence, "silence: 12s"),
    (Silence, "silence: {after: 12s, by: subject}"),
]

ROLES = [
    (Combine, "combine: {subject: house, metric: surplus, plus: [pir, person], minus: [door], max_age: 15s}"),
    (Correlate, "correlate: {within: 15s, need: 2}"),
    (Correlate, "correlate: {same: area, within: 25s, in_order: true}"),
]


def stream(seed: int, ordered: bool = False) -> list[list[Event]]:
    """Batches of readings of a few signals, now and then out of order, doubled, bad or far apart."""
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


@pytest.mark.parametrize(("kind", "text"), STEPS, ids=[text for _, text in STEPS])
@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_batches_and_restarts_do_not_change_what_comes_out(kind: type[Operator], text: str, seed: int) -> None:
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
    if kind not in (Deduplicate, Debounce) and len({e.id for b in batches for e in b}) == sum(map(len, batches)):
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("kind", "text"), ROLES, ids=[text for _, text in ROLES])
@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_batches_and_restarts_do_not_change_what_roles_make(kind: type[Operator], text: str, seed: int) -> None:
    dice = random.Random(seed)
    roles = [[(dice.choice(CONTEXT.roles), event) for event in batch] for batch in stream(seed, ordered=True)]
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


@pytest.mark.parametrize(("kind", "text"), STEPS, ids=[text for _, text in STEPS])
def test_state_of_silent_signals_is_freed(kind: type[Operator], text: str) -> None:
    shard = Shard(step(kind, text))
    for n in range(50):
        shard.feed(reading(n, float(n % 4), subject=f"s{n}", metric="motion"))
    for days in range(1, 40):
        shard.wait_until(days * 86400.0)
    saved = repr(shard.logic.snapshot())
    assert "s1'" not in saved
    assert shard.logic.next_time().event == float("inf")
