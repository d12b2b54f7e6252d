"""The wall clock of a process, and the jumps of its host's."""

import itertools
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.runtime.steady_clock import LASTS, TOLERATED, SteadyClock

START = 1_790_000_000.0


class Host:
    """A host whose clock is set by hand."""

    def __init__(self) -> None:
        self.ran = 0.0
        self.set_by = 0.0
        self.clock = self.started()

    def started(self, boot: str = "b") -> SteadyClock:
        return SteadyClock(lambda: START + self.ran + self.set_by, lambda: self.ran, boot)

    def after(self, seconds: float) -> float:
        """What the process sees after so long, since the start."""
        self.ran += seconds
        return self.clock() - START


def test_a_jump_that_is_over_soon_moves_no_time_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = Host()
    host.set_by = 7200
    with caplog.at_level(logging.WARNING, "vigie"):
        assert [host.after(1) for _ in range(10)] == list(range(1, 11))
        host.set_by = 0
        assert host.after(1) == 11
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "+7200 s" in caplog.text


def test_a_jump_ahead_that_lasts_is_followed_after_a_minute() -> None:
    host = Host()
    host.set_by = 7200
    assert [host.after(LASTS / 2) for _ in range(3)] == [30, 60, 7290]


def test_behind_a_jump_back_that_lasts_time_goes_on_slowly_until_they_meet() -> None:
    host = Host()
    host.set_by = -100
    assert host.after(1) == 1
    seen = [host.after(10) for _ in range(30)]
    assert all(5 <= later - earlier <= 10 for earlier, later in itertools.pairwise(seen))
    assert seen[-1] == pytest.approx(host.ran - 100, abs=TOLERATED)


@pytest.mark.parametrize("boot", ["b", "another"])
def test_a_restart_within_a_jump_goes_on_from_the_process_before(boot: str) -> None:
    host = Host()
    host.set_by = 7200
    host.after(5)
    anchor = host.clock.anchor()
    host.clock = host.started(boot)
    host.clock.resume(anchor)
    assert host.after(1) == (6 if boot == "b" else 7206)
    host.set_by = 0
    assert host.after(1) == (7 if boot == "b" else 7207)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 50), st.sampled_from([0, 0.3, 7200, -7200])), min_size=1))
def test_time_never_goes_back_and_is_off_by_no_more_than_the_jump(
    moves: list[tuple[float, float]],
) -> None:
    host, before = Host(), 0.0
    for seconds, set_by in moves:
        host.set_by = set_by
        seen = host.after(seconds)
        assert before <= seen
        assert host.ran - 7200 - TOLERATED <= seen <= host.ran + 7200 + TOLERATED
        before = seen
