"""Windows beside a brute-force reference, and what they keep in memory."""

import itertools
import math
import random
import statistics
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.component import Now
from operators.events import Event, Reading, Summary
from operators.model.saved_state import encode
from operators.windows.pane import Pane
from operators.windows.step import STATISTICS, Window
from operators.windows.tdigest import CENTROIDS, EXACT, Quantiles
from operators.windows.tumbling import WindowLogic
from tests.operators.shard import LATENESS, Shard, occurrence, reading, step

pytestmark = pytest.mark.slow

Values = list[tuple[float, float]]
EVERY = f"[{', '.join(STATISTICS)}]"


def expected(found: Values) -> dict[str, float]:
    """Each statistic of (time, value) pairs in the order of their arrival, by its definition."""
    by_time = [value for _, value in sorted(found, key=lambda pair: pair[0])]
    ranked = sorted(by_time)
    first = min(found, key=lambda pair: pair[0])[1]
    last = max(enumerate(found), key=lambda item: (item[1][0], item[0]))[1][1]
    made = {
        "mean": statistics.fmean(ranked),
        "min": ranked[0],
        "max": ranked[-1],
        "sum": math.fsum(ranked),
        "count": len(ranked),
        "first": first,
        "last": last,
        "delta": last - first,
        "spread": ranked[-1] - ranked[0],
        "stddev": statistics.pstdev(ranked),
        "median": ranked[math.ceil(len(ranked) / 2) - 1],
    }
    for share in (1, 5, 10, 25, 50, 75, 90, 95, 99):
        made[f"p{share}"] = ranked[math.ceil(share * len(ranked) / 100) - 1]
    return made


def tumbling(found: Values, every: float, length: float) -> list[tuple[float, float, Values]]:
    """(start, end, readings) of every window with readings, each reading looked up for each
    window.
    """
    windows = []
    for number in range(
        math.floor(min(t for t, _ in found) / every),
        math.floor(max(t for t, _ in found) / every) + round(length / every),
    ):
        end = (number + 1) * every
        inside = [(t, v) for t, v in found if end - length <= t < end]
        if inside:
            windows.append((end - length, end, inside))
    return windows  # fmt: skip


def sessions(found: Values, gap: float) -> list[tuple[float, float, Values]]:
    """(start, end, readings) of every session."""
    times = sorted({t for t, _ in found})
    starts = [
        times[0],
        *(after for before, after in itertools.pairwise(times) if after - before >= gap),
    ]
    ends = [*starts[1:], math.inf]
    windows = []
    for start, before in zip(starts, ends, strict=True):
        inside = [(t, v) for t, v in found if start <= t < before]
        windows.append((start, max(t for t, _ in inside) + gap, inside))
    return windows


numbers = st.one_of(st.integers(-5, 5).map(float), st.floats(-1e6, 1e6), st.floats(1e9, 1e9 + 1))
rows = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.floats(0, 3).map(lambda gap: round(gap, 1)) | st.sampled_from([0.0, 8.0, 10.0, 40.0]),
        st.floats(0, LATENESS).map(lambda back: round(back, 1)),
        numbers,
    ),
    min_size=1,
    max_size=40,
)


def arrived(made: list[tuple[str, float, float, float]]) -> list[Event]:
    """Readings of which none is more than the lateness behind the newest."""
    clock, out = 1000.0, []
    for n, (subject, ahead, back, value) in enumerate(made):
        clock += ahead
        out.append(reading(clock - back, value, subject=subject, id=str(n)))
    return list(out)


def played(
    text: str, events: list[Event], size: int = 10**6, restarts: bool = False
) -> tuple[list[Summary], Shard]:
    shard = Shard(step(Window, text), restarts=restarts)
    out: list[Any] = []
    for start in range(0, len(events), size):
        out += shard.feed(*events[start : start + size])
    return [*out, *shard.wait_until(1e6)], shard


def close(one: dict[str, float], other: dict[str, float]) -> bool:
    assert one.keys() == other.keys()
    return all(
        math.isclose(one[k], other[k], rel_tol=1e-9, abs_tol=1e-4 if k == "stddev" else 1e-9)
        for k in one
    )


KINDS = [
    ("{every: 10s", lambda found: tumbling(found, 10, 10)),
    ("{every: 10s, length: 40s", lambda found: tumbling(found, 10, 40)),
    ("{every: 500ms, length: 3s", lambda found: tumbling(found, 0.5, 3)),
    ("{gap: 8s", lambda found: sessions(found, 8)),
    ("{gap: 2s", lambda found: sessions(found, 2)),
]


@pytest.mark.parametrize(("text", "windows"), KINDS, ids=[text for text, _ in KINDS])
@settings(max_examples=60)
@given(made=rows, size=st.integers(1, 9))
def test_windows_say_what_a_brute_force_reference_says(
    text: str, windows: Any, made: Any, size: int
) -> None:
    events = arrived(made)
    text = f"window: {text}, calculate: {EVERY}}}"
    out, shard = played(text, events)
    assert shard.late == []
    by_subject: dict[str, Values] = defaultdict(list)
    for event in events:
        assert isinstance(event, Reading)
        by_subject[event.subject].append((event.time, event.value or 0.0))
    for subject, found in by_subject.items():
        got = [(s.start, s.time, s.values) for s in out if s.subject == subject]
        wanted = [(start, end, expected(inside)) for start, end, inside in windows(found)]
        assert [one[:2] for one in got] == [pytest.approx(one[:2]) for one in wanted]
        assert all(close(one[2], other[2]) for one, other in zip(got, wanted, strict=True))
    again, cut = played(text, events, size, restarts=True)
    assert again == out
    assert cut.counts == shard.counts


@settings(max_examples=60)
@given(made=rows, data=st.data())
def test_the_order_of_other_subjects_changes_nothing(made: Any, data: st.DataObject) -> None:
    events = arrived(made)
    # Neighbours of different subjects may swap as long as no reading falls behind the newest by
    # more than the lateness.
    mixed = list(events)
    for place in data.draw(st.lists(st.integers(0, max(0, len(events) - 2)), max_size=30)):
        one, other = mixed[place : place + 2] if place + 1 < len(mixed) else (mixed[0], mixed[0])
        before = max((e.time for e in mixed[:place]), default=0.0)
        swapped = getattr(one, "subject", "") != getattr(other, "subject", "")
        if swapped and one.time >= max(before, other.time) - LATENESS:
            mixed[place : place + 2] = [other, one]
    for kind in ("{every: 10s, length: 20s", "{gap: 8s"):
        text = f"window: {kind}, calculate: {EVERY}}}"
        first, second = played(text, events), played(text, mixed)
        assert sorted(first[0], key=lambda s: (s.subject, s.time)) == sorted(
            second[0], key=lambda s: (s.subject, s.time)
        )
        assert first[1].late == second[1].late == []


@pytest.mark.parametrize("kind", ["{every: 10s", "{every: 10s, length: 30s", "{gap: 8s"])
@settings(max_examples=60)
@given(
    made=rows,
    delays=st.lists(st.sampled_from([0, 0, 0, 7, 15, 60]), min_size=40, max_size=40),
    size=st.integers(1, 9),
)
def test_every_reading_is_in_its_windows_or_late(
    kind: str, made: Any, delays: list[int], size: int
) -> None:
    events = [
        reading(event.time - delay, 1.0, subject=getattr(event, "subject", ""), id=event.id)
        for event, delay in zip(arrived(made), delays, strict=False)
    ]
    text = f"window: {kind}, calculate: [count]}}"
    out, shard = played(text, events, size, restarts=True)
    whole, once = played(text, events)
    assert out == whole
    assert [e.id for e in shard.late] == [e.id for e in once.late]
    if "length" not in kind:
        assert sum(s.values["count"] for s in out) == len(events) - len(shard.late)
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for summary in sorted(out, key=lambda s: s.start):
        spans[summary.subject].append((summary.start, summary.time))
    if "gap" in kind:
        for some in spans.values():
            assert all(before[1] <= after[0] for before, after in itertools.pairwise(some))
    for event in shard.late:
        assert (
            any(start <= event.time < end for start, end in spans[getattr(event, "subject", "")])
            or event.time < max(e.time for e in events) - LATENESS
        )


def test_a_late_reading_can_join_two_sessions_to_one() -> None:
    shard = Shard(step(Window, "window: {gap: 4s, calculate: [count, first, last]}"))
    assert shard.feed(reading(10, 1.0), reading(15, 3.0), reading(12.5, 2.0)) == []
    [summary] = shard.wait_until(100)
    assert isinstance(summary, Summary)
    assert (summary.start, summary.time, summary.values) == (
        10,
        19,
        {"count": 3, "first": 1, "last": 3},
    )


def test_where_only_the_count_is_wanted_occurrences_count_too() -> None:
    shard = Shard(step(Window, "window: {every: 1min, calculate: [count]}"))
    shard.feed(occurrence(1, "pressed"), occurrence(2, "pressed"), occurrence(3, "held"))
    out = shard.wait_until(100)
    assert [(s.metric, s.values) for s in out if isinstance(s, Summary)] == [
        ("held", {"count": 1}),
        ("pressed", {"count": 2}),
    ]
    other = Shard(step(Window, "window: {every: 1min, calculate: [mean]}"))
    other.feed(occurrence(1, "pressed"))
    assert other.counts == {"not_data": 1}


def test_sums_and_deviations_do_not_lose_digits() -> None:
    text = "window: {every: 1d, calculate: [sum, stddev, mean]}"
    values = [1e15, *([0.1] * 2000), -1e15] + [1.0] * 99
    out, _ = played(text, [reading(n / 100, value) for n, value in enumerate(values)])
    assert out[0].values["sum"] == pytest.approx(math.fsum(values), abs=0.1)
    shifted = [1e9 + (n % 3) / 10 for n in range(3000)]
    out, _ = played(text, [reading(n / 100, value) for n, value in enumerate(shifted)])
    assert out[0].values["stddev"] == pytest.approx(
        statistics.pstdev([(n % 3) / 10 for n in range(3000)]), rel=1e-6
    )


def test_a_sum_too_large_for_a_number_is_left_out() -> None:
    out, shard = played(
        "window: {every: 10s, calculate: [sum, max]}", [reading(1, 1.7e308), reading(2, 1.7e308)]
    )
    assert out[0].values == {"max": 1.7e308}
    assert shard.counts == {"overflow": 1}


def test_memory_does_not_grow_with_the_readings_of_a_window() -> None:
    shard = Shard(step(Window, "window: {every: 190h, calculate: [p95, stddev]}"))
    sizes = []
    for start in range(0, 20_000, 5000):
        shard.feed(*(reading(n / 10, math.sin(n) * 100) for n in range(start, start + 5000)))
        sizes.append(len(encode(shard.logic.snapshot())))
    assert max(sizes) < 9 * (EXACT + 2 * CENTROIDS) + 5000
    [summary] = shard.wait_until(1e6)
    assert isinstance(summary, Summary)
    assert summary.values["p95"] == pytest.approx(
        sorted(math.sin(n) * 100 for n in range(20_000))[18_999], abs=0.1
    )


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["uniform", "normal", "steps", "exponential"]),
    parts=st.integers(1, 4),
)
def test_percentiles_of_many_numbers_are_near_their_rank(seed: int, kind: str, parts: int) -> None:
    dice = random.Random(seed)
    make = {
        "uniform": lambda: dice.uniform(-3, 9),
        "normal": lambda: dice.gauss(20, 4),
        "steps": lambda: float(dice.randrange(5)),
        "exponential": lambda: dice.expovariate(0.01),
    }[kind]
    values = [make() for _ in range(dice.randrange(2, 6000))]
    some = [Quantiles() for _ in range(parts)]
    for start in range(0, len(values), 100):
        some[start // 100 % parts].add(values[start : start + 100])
    whole = some[0]
    for other in some[1:]:
        whole.merge(other)
    ranked = sorted(values)
    for share, error in ((0.01, 0.005), (0.1, 0.01), (0.5, 0.015), (0.9, 0.01), (0.99, 0.005)):
        low = ranked[max(0, math.floor((share - error) * len(values)) - 1)]
        high = ranked[min(len(values) - 1, math.ceil((share + error) * len(values)))]
        assert low - 1e-9 <= whole.at(share) <= high + 1e-9
    assert len(whole.values) + len(whole.centroids) <= EXACT + 2 * CENTROIDS


def test_the_state_of_the_release_before_is_read() -> None:
    pane = (2, 1.0, 1.0, 3.0, 2.0, 3.0, 2.0, 1.0, 2.0, 4.0, (1.0, 3.0))
    signals = [(("rack", "temperature"), {}, -math.inf, 2.0, 0.0, None, {}, [(0, pane)])]
    operator = step(Window, "window: {every: 10s, calculate: [mean, p95, stddev, first, last]}")
    logic = operator.logic(Shard(operator)._context)
    assert isinstance(logic, WindowLogic)
    logic.restore(((10.0, 1, (), True, True), 2.0, signals), 1)
    [summary] = logic.on_time(Now(20, 20))
    assert isinstance(summary, Summary)
    assert summary.values == {"mean": 2, "p95": 3, "stddev": 1, "first": 1, "last": 3}


def test_panes_merge_in_any_grouping() -> None:
    panes = []
    for number in range(3):
        pane = Pane()
        pane.take([number + 0.5, number * 2.0], number, number + 0.5, True, True)
        panes.append(pane)
    once = Pane.merged(panes, True, True)
    twice = Pane.merged([Pane.merged(panes[:2], True, True), panes[2]], True, True)
    assert once.state()[1:] == twice.state()[1:]
    assert once.state()[0] == pytest.approx(twice.state()[0])
