from operators.stateful.debounce import Debounce
from tests.operators.shard import Shard, reading, states, step


def test_the_first_on_passes_at_once_and_unchanged() -> None:
    event = reading(0, 1.0, metric="motion")
    assert Shard(step(Debounce, "debounce: 30s")).feed(event) == [event]


def test_an_off_is_held_back_for_the_quiet_time() -> None:
    shard = Shard(step(Debounce, "debounce: 30s"))
    out = shard.feed(reading(0, 1.0, metric="motion"), reading(10, 0.0, metric="motion"))
    assert [event.time for event in out] == [0]
    [off] = shard.wait_until(60)
    assert (off.time, off.id, off.value) == (40, "rack/motion/site/stream/step/40.0", 0.0)  # type: ignore[union-attr]


def test_an_on_in_the_quiet_time_takes_the_off_back() -> None:
    shard = Shard(step(Debounce, "debounce: 30s"))
    times = [(0, 1.0), (10, 0.0), (39, 1.0), (41, 0.0), (50, 0.0)]
    out = shard.feed(*(reading(time, value, metric="motion") for time, value in times))
    out += shard.wait_until(1000)
    assert [(time, value) for time, _, value in states(out)] == [(0, 1.0), (71, 0.0)]
    assert shard.counts == {"held": 4}


def test_a_later_event_of_the_signal_ends_the_quiet_time_by_itself() -> None:
    shard = Shard(step(Debounce, "debounce: 30s"))
    out = shard.feed(
        *(reading(time, value, metric="motion") for time, value in [(0, 1.0), (10, 0.0), (41, 1.0)])
    )
    assert [(time, value) for time, _, value in states(out)] == [(0, 1.0), (40, 0.0), (41, 1.0)]


def test_what_is_off_already_and_what_is_a_number_passes() -> None:
    events = [
        reading(0, 0.0, metric="motion"),
        reading(1, 1.0, metric="power"),
        reading(2, 0.0, metric="power"),
    ]
    assert Shard(step(Debounce, "debounce: 30s")).feed(*events) == events


def test_an_event_older_than_the_last_goes_to_late() -> None:
    shard = Shard(step(Debounce, "debounce: 30s"))
    shard.feed(reading(10, 1.0, metric="motion"), reading(9, 0.0, metric="motion"))
    assert [event.time for event in shard.late] == [9]
