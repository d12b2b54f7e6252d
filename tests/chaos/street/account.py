"""What became of the people who passed: judged by the pictures on which they were found."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["told", "lost", "doubled", "broken", "unseen"]
UNBROKEN = 2.0
"""Seconds between two pictures up to which somebody counts as seen all the time."""
SEEN = 3.0
"""Who is found on pictures of so many seconds, without a break, must become an event."""
LOST_AFTER = 4.0
"""A track ends after so many seconds; who is seen again after a longer break is somebody else."""
UNTOLD = SEEN + UNBROKEN
"""So long may a part of a pass be that nobody saw, though nobody was told to be away: too short
for an event, and for what a picture may come late."""
EARLY, LATE = 3.0, 5.0
"""Seconds by which an event may lie before and after what a client of its own saw of a pass."""


@dataclass(frozen=True)
class Passer:
    """One who came, stood and left, in epoch seconds of the pictures' arrival at a client."""

    camera: str
    began: float
    ended: float


def judge(one: Passer, found: Sequence[float], events: Sequence[float]) -> Verdict:
    """What became of a pass, from the times of its camera's pictures with somebody and of events.

    `unseen`: no process lived long enough to see it, and there is no event. `broken`: nobody was
    found for longer than a track lasts, and there is an event before and one after that.
    """
    own = [at for at in events if one.began - EARLY <= at <= one.ended + LATE]
    times = sorted(at for at in found if one.began <= at <= one.ended)
    breaks = [later - earlier for earlier, later in itertools.pairwise(times)]
    if len(own) == 1:
        return "told"
    if own:
        return "broken" if len(own) - 1 <= sum(gap > LOST_AFTER for gap in breaks) else "doubled"
    return "lost" if _longest(times) >= SEEN else "unseen"


def untold(one: Passer, spans: Sequence[tuple[float, float]]) -> float:
    """The longest part of a pass that lies in none of the times of which it was told that nobody
    looked then; seconds."""
    at, longest = one.began, 0.0
    for begin, end in sorted(spans):
        if begin >= one.ended:
            break
        longest, at = max(longest, begin - at), max(at, end)
    return max(longest, one.ended - at)


def _longest(times: Sequence[float]) -> float:
    longest = 0.0
    begin = previous = times[0] if times else 0.0
    for at in times:
        begin = at if at - previous > UNBROKEN else begin
        longest, previous = max(longest, at - begin), at
    return longest
