"""The phases of a condition in time: pending for its delay, active, and recovering after it.

After ISA-18.2 (on-delay, off-delay) and OPC UA Part 9; thresholds and alarms follow them alike.
"""

from typing import Literal

Phase = Literal["normal", "pending", "active", "recovering"]
NORMAL: Phase = "normal"
PENDING: Phase = "pending"
ACTIVE: Phase = "active"
RECOVERING: Phase = "recovering"


def next_phase(phase: str, breach: bool, normal: bool, on_delay: float, off_delay: float) -> Phase:
    """Return the phase after a verdict; in the deadband both `breach` and `normal` are False.

    A phase that waits for its delay (`pending`, `recovering`) ends here only where the verdict
    changes: the end of the delay is up to a timer.
    """
    if phase in (NORMAL, PENDING):
        if not breach:
            return NORMAL
        return PENDING if phase == PENDING or on_delay > 0 else ACTIVE
    if not normal:
        return ACTIVE
    return RECOVERING if phase == RECOVERING or off_delay > 0 else NORMAL


def recent(hits: tuple[float, ...], at: float, span: float) -> tuple[float, ...]:
    """Return the instants at which a condition was fulfilled that still count at `at`."""
    return tuple(hit for hit in hits if hit + span > at)
