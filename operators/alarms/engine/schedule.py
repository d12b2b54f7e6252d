"""Arming by the hours of the day and the days of the week, in the site's time zone."""

import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from operators.model.local_time import DAY, instants, leaps, reading

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD = (2, 15)
"""Days in which an edge is looked for: most are near, one in a skipped hour may be far."""


class WeeklySchedule:
    """Armed while the site's clock shows a time in `hours` that begins on one of `days`.

    Hours such as `20:00-07:00` go past midnight. Both passes of a repeated hour belong to them;
    what begins or ends in a skipped hour does so as the clock leaps over it.
    """

    def __init__(self, hours: str | None, days: Sequence[str] | None, timezone: ZoneInfo) -> None:
        start, end = (hours or "00:00-24:00").split("-")
        self._start, self._end = _minutes(start), _minutes(end)
        if self._end <= self._start:
            self._end += 24 * 60
        self._days = frozenset(DAYS.index(day) for day in days) if days else frozenset(range(7))
        self._timezone = timezone
        self._known: tuple[float, float, bool] = (math.inf, -math.inf, False)

    def armed(self, time: float) -> bool:
        """Whether the alarm counts at `time` (epoch seconds)."""
        return self._at(time)[0]

    def next_edge(self, time: float) -> float:
        """The first instant after `time` at which `armed` changes; infinity if it never does."""
        return self._at(time)[1]

    def _at(self, time: float) -> tuple[bool, float]:
        since, until, armed = self._known
        if not since <= time < until:
            armed, until = self._shows(time), self._edge(time)
            self._known = (time, until, armed)
        return armed, until

    def _shows(self, moment: float) -> bool:
        """Whether the clock shows an armed time."""
        shown = reading(moment, self._timezone)
        return any(start <= shown < end for start, end in self._spans(shown.date(), -1, 0))

    def _edge(self, moment: float) -> float:
        armed, today = self._shows(moment), reading(moment, self._timezone).date()
        for days in _LOOK_AHEAD:
            spans = self._spans(today, -1, days)
            edges = {at for span in spans for edge in span for at in instants(edge, self._timezone)}
            edges.update(leaps(moment, moment + days * DAY, self._timezone))
            for edge in sorted(edges):
                if edge > moment and self._shows(edge) != armed:
                    return edge
        return math.inf

    def _spans(self, today: date, first: int, last: int) -> Iterator[tuple[datetime, datetime]]:
        """The armed spans that begin from `first` to `last` days after today."""
        for n in range(first, last + 1):
            day = today + timedelta(days=n)
            if day.weekday() in self._days:
                midnight = datetime.combine(day, time())
                yield (
                    midnight + timedelta(minutes=self._start),
                    midnight + timedelta(minutes=self._end),
                )


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
