"""When a camera is tried again, and how many pictures are taken."""

import numpy as np

from connectors.camera.connect_pace import BUSY_PAUSE, REFUSED_PAUSE, HostPace, RetryPace
from connectors.camera.rate import RatePicker
from connectors.camera.streams.stream import Busy, Refused
from connectors.runtime.backoff import Backoff


def test_a_switch_that_comes_back_is_met_by_one_attempt_a_second() -> None:
    pace = HostPace(lambda: 100.0)
    assert [pace.delay("nvr") for _ in range(4)] == [0.0, 1.0, 2.0, 3.0]
    assert pace.delay("other") == 0.0
    assert pace.delay("") == pace.delay("") == 0.0, "files are no host"


def test_the_first_attempt_after_a_loss_is_at_once_and_then_ever_rarer() -> None:
    pace = RetryPace(Backoff(1.0, 60.0, uniform=lambda low, high: high))
    assert [pace.pause(0) for _ in range(9)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_failures_are_forgotten_only_after_half_a_minute_of_pictures() -> None:
    pace = RetryPace(Backoff(1.0, 60.0, uniform=lambda low, high: high))
    for _ in range(5):
        pace.pause(0)
    assert pace.pause(29.0) == 16
    assert pace.pause(30.0) == 0


def test_a_refused_password_is_tried_every_five_minutes() -> None:
    assert RetryPace().pause(0, Refused("no")) == REFUSED_PAUSE == 300.0


def test_a_camera_that_keeps_an_old_session_is_left_alone_until_it_forgets_it() -> None:
    """Its minute begins anew with every attempt."""
    pace = RetryPace(Backoff(1.0, 60.0, uniform=lambda low, high: high))
    now, free_at = 0.0, 60.0
    tried = []
    while now < free_at:
        tried.append(now)
        now += pace.pause(0, Busy("no room"))
        free_at = tried[-1] + 60
    assert tried == [0.0, 0.0], "once more, lest it was busy for a moment only"
    assert now == BUSY_PAUSE
    assert pace.pause(30.0) == 0


def taken(rate: float, fps: float, seconds: float = 20, jitter: float = 0.0) -> list[float]:
    picker = RatePicker(fps)
    random = np.random.default_rng(1)
    times = np.arange(0, seconds, 1 / rate)
    times = times + random.uniform(-jitter, jitter, len(times))
    return [float(time) for time in times if picker.takes(float(time))]


def test_the_wanted_rate_is_taken_evenly() -> None:
    for rate in (14.99, 15, 25, 30):
        gaps = np.diff(taken(rate, 5))
        assert abs(len(gaps) / 20 - 5) <= 0.3
        assert gaps.max() <= 0.2 + 1.2 / rate and gaps.min() >= 0.2 - 1.2 / rate


def test_a_camera_slower_than_the_wanted_rate_loses_nothing() -> None:
    assert len(taken(4, 5, jitter=0.02)) == 80
    assert len(taken(5, 5, jitter=0.01)) >= 99


def test_times_that_jump_do_not_stop_the_pictures() -> None:
    picker = RatePicker(5)
    assert picker.takes(1000.0) and picker.takes(10.0) and picker.takes(99_999.0)
    assert not picker.takes(99_999.1)
