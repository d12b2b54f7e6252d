from operators.stateful.silence import Silence
from tests.operators.shard import Shard, occurrence, reading, states, step


def test_silence_is_told_with_its_very_time_and_so_is_the_return() -> None:
    shard = Shard(step(Silence, "silence: 10min"))
    assert shard.feed(reading(0, 1.0), reading(600, 1.0)) == []
    [silent] = shard.wait_until(1300)
    assert (silent.time, silent.id) == (1200, "rack/temperature/site/stream/step/1200.0")
    [back] = shard.feed(reading(1500, 1.0))
    assert states([back]) == [
        (1500, "back", {"subject": "rack", "metric": "temperature", "last": 600, "silent_for": 900})
    ]


def test_signals_may_be_taken_together() -> None:
    shard = Shard(step(Silence, "silence: {after: 10min, by: subject}"))
    shard.feed(occurrence(0, "press"), reading(0, 1.0), reading(500, 1.0, metric="humidity"))
    out = shard.wait_until(1200)
    assert [(event.time, event.subject) for event in out] == [(600, "mat"), (1100, "rack")]  # type: ignore[union-attr]


def test_a_device_whose_clock_is_slow_is_not_silent_while_it_speaks() -> None:
    shard = Shard(step(Silence, "silence: 10min"), restarts=True)
    for now in range(0, 3600, 300):
        assert shard.feed(reading(now, 1.0), reading(now - 1200, 1.0, subject="slow")) == []
    out = shard.wait_until(4500)
    assert {event.subject: round(event.time) for event in out} == {"rack": 3900, "slow": 3895}  # type: ignore[union-attr]


def test_a_signal_that_stays_silent_is_forgotten_after_a_week() -> None:
    shard = Shard(step(Silence, "silence: 10min"))
    shard.feed(reading(0, 1.0))
    shard.wait_until(700)
    shard.wait_until(8 * 86400)
    assert shard.counts == {"forgotten": 1}
    assert shard.feed(reading(9 * 86400, 1.0)) == []
