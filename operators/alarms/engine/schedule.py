"""Arming by the hours of the day and the days of the week, in the site's time zone."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AHEAD_DAYS = 15


class WeeklySchedule:
    """Armed in the span `hours` (such as `20:00-07:00`, past midnight) that begins on `days`.

    A change of summer time moves the edges with the clocks people read; an hour that does not exist
    begins late.
    """

    def __init__(self, hours: str | None, days: Sequence[str] | None, timezone: ZoneInfo) -> None:
        start, end = (hours or "00:00-24:00").split("-")
        self._start, self._end = _minutes(start), _minutes(end)
        if self._end <= self._start:
            self._end += 24 * 60
        self._days = frozenset(DAYS.index(day) for day in days) if days else frozenset(range(7))
        self._timezone = timezone
        self._known: tuple[float, float, bool, float] = (math.inf, -math.inf, False, math.inf)

    def armed(self, time: float) -> bool:
        """Whether the alarm counts at `time` (epoch seconds)."""
        return self._at(time)[0]

    def next_edge(self, time: float) -> float:
        """The first instant after `time` at which `armed` changes; infinity if it never does."""
        return self._at(time)[1]

    def _at(self, time: float) -> tuple[bool, float]:
        since, until, armed, edge = self._known
        if not since <= time < until:
            armed, edge = self._look(time)
            self._known = (time, edge, armed, edge)
        return armed, edge

    def _look(self, moment: float) -> tuple[bool, float]:
        today = datetime.fromtimestamp(moment, self._timezone).date()
        spans = [
            (self._instant(day, self._start), self._instant(day, self._end))
            for n in range(-2, _LOOK_AHEAD_DAYS)
            if (day := today + timedelta(days=n)).weekday() in self._days
        ]
        armed = any(start <= moment < end for start, end in spans)
        if not armed:
            return False, min((start for start, _ in spans if start > moment), default=math.inf)
        end = moment
        for start, stop in sorted(spans):
            if start <= end < stop:
                end = stop
        last = max(stop for _, stop in spans)
        return True, math.inf if end >= last else end

    def _instant(self, day: date, minutes: int) -> float:
        midnight = datetime.combine(day + timedelta(days=minutes // 1440), time())
        local = midnight + timedelta(minutes=minutes % 1440)
        return local.replace(tzinfo=self._timezone).timestamp()


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
