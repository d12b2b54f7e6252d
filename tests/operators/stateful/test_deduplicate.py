import pytest

from operators.component import Now
from operators.events import Event
from operators.stateful.deduplicate import Deduplicate
from tests.operators.shard import CONTEXT, Shard, occurrence, reading, states, step


def test_a_steady_value_passes_once_in_each_span_and_a_change_at_once() -> None:
    shard = Shard(step(Deduplicate, "deduplicate: 10s"))
    values = [(0, 1.0), (1, 1.0), (9.9, 1.0), (10, 1.0), (12, 2.0), (13, 1.0)]
    out = shard.feed(*(reading(time, value) for time, value in values))
    assert [event.time for event in out] == [0, 10, 12, 13]
    assert shard.counts == {"duplicate": 2}


def test_signals_do_not_know_of_each_other() -> None:
    shard = Shard(step(Deduplicate, "deduplicate: 10s"))
    events = [reading(0, 1.0), reading(0, 1.0, metric="humidity"), reading(0, 1.0, subject="hall")]
    assert shard.feed(*events) == events


def test_a_change_of_quality_or_text_is_news() -> None:
    shard = Shard(step(Deduplicate, "deduplicate: 10s"))
    events = [
        reading(0, None, text="heat"),
        reading(1, None, text="cool"),
        reading(2, None, quality="bad"),
    ]
    assert shard.feed(*events) == events


def test_by_id_a_message_that_is_sent_twice_passes_once() -> None:
    shard = Shard(step(Deduplicate, "deduplicate: {by: id, within: 10min}"))
    first, second = occurrence(0, "press", id="e-1"), occurrence(1, "press", id="e-2")
    assert shard.feed(first, second, first) == [first, second]
    assert shard.feed(occurrence(599, "press", id="e-1")) == []
    assert len(shard.feed(occurrence(600, "press", id="e-1"))) == 1


def test_an_older_event_neither_replaces_the_latest_nor_is_lost() -> None:
    shard = Shard(step(Deduplicate, "deduplicate: 10s"))
    out = shard.feed(reading(10, 1.0), reading(8, 2.0), reading(11, 1.0))
    assert [value for _, _, value in states(out)] == [1.0, 2.0]


def test_what_was_seen_is_forgotten() -> None:
    for text in ("deduplicate: 10s", "deduplicate: {by: id, within: 10s}"):
        shard = Shard(step(Deduplicate, text))
        shard.feed(*(reading(n, 1.0, subject=f"s{n}") for n in range(100)))
        shard.wait_until(1000)
        shard.wait_until(2000)
        assert "s1'" not in repr(shard.logic.snapshot())


@pytest.mark.parametrize("text", ["deduplicate: {by: id, within: 10min}", "deduplicate: 10min"])
def test_a_repetition_with_an_old_time_is_dropped_while_the_wall_clock_moves_the_flow(
    text: str,
) -> None:
    wall = 1e6
    logic = step(Deduplicate, text).logic(CONTEXT)

    def at(seconds: float) -> list[Event]:
        now = Now(wall + seconds, wall + seconds)
        out = logic.on_batch([reading(1000, 1.0, id="posted")], now)
        if logic.next_time().event <= now.event:
            out += logic.on_time(now)
        saved = logic.snapshot()
        logic.restore(saved, logic.VERSION)
        return out

    assert len(at(0)) == 1
    assert at(10) == []
    assert at(590) == []
    logic.on_time(Now(wall + 1300, wall + 1300))
    assert len(at(1310)) == 1
