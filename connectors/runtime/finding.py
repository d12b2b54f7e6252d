"""What an inspection of a service or of this machine says, line by line."""

from typing import Literal, NamedTuple

SKEW = 1.0
"""Seconds by which clocks may differ before it matters."""
State = Literal["ok", "warning", "fault"]


class Finding(NamedTuple):
    """One thing that was looked at: what was expected, what came, and what helps."""

    what: str
    state: State
    came: str
    expected: str = ""
    remedy: str = ""


def clock(skew: float) -> Finding:
    """How far a service's clock is ahead of this machine's, in seconds."""
    is_fine = abs(skew) <= SKEW
    return Finding(
        "clock",
        "ok" if is_fine else "warning",
        f"{skew:+.1f} s from this machine's",
        f"at most {SKEW:g} s apart",
        "" if is_fine else "let both machines follow the same time server (chrony or ntp)",
    )
