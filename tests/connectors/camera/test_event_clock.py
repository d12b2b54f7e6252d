"""Times of pictures under virtual clocks: both of the machine's, and the stream's own."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from connectors.camera.event_clock import EventClock, WallClock
from connectors.runtime.steady_clock import SteadyClock

START = 1_800_000_000.0
HOUR, DAY = 3600.0, 86_400.0


def play(
    seconds: float,
    pts: Callable[[float], float | None],
    wall: Callable[[float], float] = lambda at: START + at,
    delay: Callable[[int], float] = lambda number: 0.03,
    rate: float = 5.0,
    clock: EventClock | None = None,
) -> Iterator[tuple[float, float]]:
    """(true time, event time) of each picture; the monotonic clock is the true time plus 500 s."""
    clock = clock or EventClock()
    for number in range(round(seconds * rate)):
        at = number / rate
        arrival = at + delay(number)
        clock.arrived(pts(at), 500 + arrival, wall(arrival))
        yield at, clock.next(pts(at))


def test_intervals_are_the_streams_own_though_the_network_is_restless() -> None:
    random = np.random.default_rng(1)
    delays = random.exponential(0.08, 2000)
    played = list(play(300, lambda at: at + 77, delay=lambda number: float(delays[number])))
    gaps = np.diff([time for _, time in played[100:]])
    assert np.all(np.abs(gaps - 0.2) < 0.005)


def test_times_are_those_of_the_arrival_without_the_networks_delay() -> None:
    random = np.random.default_rng(2)
    delays = random.exponential(0.1, 2000)
    played = list(play(300, lambda at: at, delay=lambda number: float(delays[number])))
    errors = [time - START - at for at, time in played[200:]]
    assert max(np.abs(errors)) < 0.06


@pytest.mark.parametrize("ppm", [-500, -20, 20, 500])
def test_a_cameras_clock_that_runs_fast_or_slow_costs_less_than_a_second_a_day(ppm: int) -> None:
    played = play(DAY, lambda at: at * (1 + ppm / 1e6), rate=1.0)
    errors = [abs(time - START - at) for at, time in played]
    assert max(errors) < 0.2


def test_times_rise_by_a_millisecond_at_least_whatever_the_clocks_do() -> None:
    random = np.random.default_rng(3)
    jumps = random.choice([0, 0, 0, 0, HOUR, -HOUR, 2.0**32 / 90_000, -5.0], 3000).cumsum()
    walls = random.choice([0, 0, 0, 0, 0, 0, HOUR, -HOUR], 3000).cumsum()
    played = list(
        play(
            600,
            lambda at: at + float(jumps[round(at * 5)]),
            lambda at: START + at + float(walls[int(at * 5)]),
        )
    )
    assert np.all(np.diff([time for _, time in played]) > 0.0009)


def test_a_wall_clock_that_is_set_forward_is_followed_at_once() -> None:
    wall = lambda at: START + at + (HOUR if at >= 60 else 0)  # noqa: E731
    times = dict(play(120, lambda at: at, wall))
    assert times[59] == pytest.approx(START + 59, abs=0.1)
    assert times[61] == pytest.approx(START + 61 + HOUR, abs=0.1)


def test_a_wall_clock_that_is_set_back_is_met_again_while_times_go_on() -> None:
    wall = lambda at: START + at - (HOUR if at >= 60 else 0)  # noqa: E731
    played = list(play(12 * HOUR, lambda at: at, wall, rate=1.0))
    gaps = np.diff([time for _, time in played])
    assert gaps.min() > 0.45 and gaps.max() < 1.1
    assert played[-1][1] == pytest.approx(wall(played[-1][0]), abs=0.2)


@pytest.mark.parametrize("lasts", [10.0, 300.0], ids=["for a moment", "for a while"])
@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["forth and back", "back and forth"])
def test_no_picture_is_ahead_of_the_clock_of_its_process_however_the_hosts_jumps(
    jump: float, lasts: float
) -> None:
    now = [0.0]
    steady = SteadyClock(
        lambda: START + now[0] + (jump if 60 <= now[0] < 60 + lasts else 0), lambda: now[0]
    )

    def wall(at: float) -> float:
        now[0] = at
        return steady()

    for _, time in play(3 * HOUR, lambda at: at, wall, rate=1.0):
        assert -1.0 < steady() - time < 1.5


def test_a_clock_that_went_back_and_forth_is_where_it_was() -> None:
    wall = lambda at: START + at - (HOUR if 60 <= at < 90 else 0)  # noqa: E731
    times = dict(play(120, lambda at: at, wall))
    assert times[119] == pytest.approx(START + 119, abs=0.1)


@pytest.mark.parametrize("wrap", [2.0**32 / 90_000, 2.0**33 / 90_000])
def test_stream_times_that_wrap_make_no_gap(wrap: float) -> None:
    times = list(play(60, lambda at: (wrap - 30 + at) % wrap))
    gaps = np.diff([time for _, time in times])
    assert np.all(gaps > 0.15) and np.all(gaps < 0.25)


@pytest.mark.parametrize("jump", [-1000.0, -1.0, 3.0, 1000.0])
def test_stream_times_that_jump_are_held_to_the_arrival(jump: float) -> None:
    times = list(play(60, lambda at: at + (jump if at >= 30 else 0)))
    errors = [abs(time - START - at) for at, time in times]
    assert max(errors) < 0.1


def test_pictures_that_were_held_up_have_the_time_they_were_taken() -> None:
    held = lambda number: 3.0 - (number - 100) * 0.2 if 100 <= number < 115 else 0.03  # noqa: E731
    errors = [abs(time - START - at) for at, time in play(60, lambda at: at, delay=held)]
    assert max(errors) < 0.1


def test_a_stream_without_times_has_those_of_the_arrival() -> None:
    errors = [time - START - at for at, time in play(10, lambda at: None)]
    assert np.allclose(errors, 0.03, atol=0.002)


def test_another_connection_begins_anew_but_never_earlier() -> None:
    clock = EventClock()
    first = list(play(10, lambda at: at + 5000, clock=clock))
    clock.restart()
    clock.arrived(3.0, 511.0, START + 11)
    again = clock.next(3.0)
    assert again == pytest.approx(START + 11, abs=0.01)
    assert again > first[-1][1]


def test_the_wall_clocks_small_corrections_are_followed_slowly() -> None:
    clock = WallClock()
    clock.base(0.0, START)
    bases = [clock.base(second, START + second + 0.3) for second in range(1, 301)]
    assert np.max(np.diff(bases)) <= 0.00101
    assert bases[-1] == pytest.approx(START + 0.3, abs=0.001)
