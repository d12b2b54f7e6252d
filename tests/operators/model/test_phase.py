"""Phases of a condition: delays before it counts and before it ends."""

import pytest

from operators.model.phase import next_phase, recent

DELAYED, AT_ONCE = (5.0, 7.0), (0.0, 0.0)


@pytest.mark.parametrize(
    ("phase", "verdict", "delays", "after"),
    [
        ("normal", "breach", AT_ONCE, "active"),
        ("normal", "breach", DELAYED, "pending"),
        ("normal", "deadband", DELAYED, "normal"),
        ("pending", "breach", DELAYED, "pending"),
        ("pending", "breach", AT_ONCE, "pending"),
        ("pending", "deadband", DELAYED, "normal"),
        ("active", "deadband", AT_ONCE, "active"),
        ("active", "normal", AT_ONCE, "normal"),
        ("active", "normal", DELAYED, "recovering"),
        ("recovering", "normal", DELAYED, "recovering"),
        ("recovering", "deadband", DELAYED, "active"),
    ],
)
def test_a_phase_follows_from_the_verdict(
    phase: str, verdict: str, delays: tuple[float, float], after: str
) -> None:
    assert next_phase(phase, verdict == "breach", verdict == "normal", *delays) == after


def test_a_hit_counts_for_its_span() -> None:
    assert recent((1.0, 4.0, 5.0), 11.0, 7.0) == (5.0,)
    assert recent((1.0, 4.0, 5.0), 10.5, 7.0) == (4.0, 5.0)
