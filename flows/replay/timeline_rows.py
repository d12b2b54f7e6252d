"""The rows of a timeline: an alarm of a subject each, with its episodes before and after."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flows.replay.episodes import Episode

STEPS = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
"""Seconds between two marks of an axis that are no whole days."""
DAYS = (1, 2, 7, 14)


@dataclass
class TimelineRow:
    """The episodes of one alarm and subject."""

    alarm: str
    subject: str
    before: list[Episode] = field(default_factory=list)
    after: list[Episode] = field(default_factory=list)


def rows(after: Iterable[Episode], before: Iterable[Episode] | None) -> list[TimelineRow]:
    """A row for each alarm and subject, by name."""
    found: dict[tuple[str, str], TimelineRow] = {}
    for side, episodes in (("before", before or ()), ("after", after)):
        for episode in episodes:
            row = found.setdefault(episode.key, TimelineRow(episode.alarm, episode.subject))
            getattr(row, side).append(episode)
            if side == "after":
                row.alarm = episode.alarm
    return sorted(found.values(), key=lambda row: (row.alarm, row.subject))


def busiest(all_rows: Sequence[TimelineRow], most: int, end: float) -> list[TimelineRow]:
    """At most so many rows, in their order: those that differ first, then the fullest."""

    def weight(row: TimelineRow) -> tuple[bool, int, float]:
        spans = [[(e.raised, e.cleared) for e in side] for side in (row.before, row.after)]
        some = [*row.before, *row.after]
        return spans[0] != spans[1], len(some), sum(episode.seconds(end) for episode in some)

    chosen = {id(row) for row in sorted(all_rows, key=weight, reverse=True)[:most]}
    return [row for row in all_rows if id(row) in chosen]


def marks(start: float, end: float, zone: ZoneInfo, most: int) -> list[tuple[float, str]]:
    """At most about `most` instants of an axis with their texts, at round times of the site.

    Days stay days when clocks change.
    """
    length = end - start
    for step in STEPS:
        if length / step <= most:
            form = "%H:%M:%S" if step < 60 else "%H:%M" if length <= 86400 else "%d %b %H:%M"
            return _even(start, end, zone, step, form)
    days = next(
        (days for days in DAYS if length / (days * 86400) <= most),
        max(DAYS[-1], int(length / 86400 / most) + 1),
    )
    day = datetime.fromtimestamp(start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    while (at := day.timestamp()) <= end:
        if at >= start:
            found.append((at, day.strftime("%d %b" if length < 300 * 86400 else "%d %b %Y")))
        day += timedelta(days=days)
    return found


def _even(
    start: float, end: float, zone: ZoneInfo, step: int, form: str
) -> list[tuple[float, str]]:
    """Multiples of a step of the day as clocks show them.

    An hour that clocks leave out or show twice has one mark.
    """
    local = datetime.fromtimestamp(start, zone).replace(
        hour=0, minute=0, second=0, microsecond=0, tzinfo=None
    )
    found: list[tuple[float, str]] = []
    while (at := local.replace(tzinfo=zone).timestamp()) <= end:
        if at >= start and (not found or at > found[-1][0]):
            found.append((at, local.strftime(form)))
        local += timedelta(seconds=step)
    return found
