"""The clock that people at a site read: what it shows, when it leaps, and how it parts time."""

import math
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = 86_400.0
HOUR = 3600.0
_EPOCH = date(1970, 1, 1)
_MONDAY = 3
"""Days from a Monday to the epoch, which was a Thursday."""


def reading(moment: float, zone: ZoneInfo) -> datetime:
    """What the site's clock shows at an instant (epoch seconds), without its zone."""
    return datetime.fromtimestamp(moment, zone).replace(tzinfo=None, fold=0)


def instants(shown: datetime, zone: ZoneInfo) -> tuple[float, ...]:
    """When the clock shows this: twice in a repeated hour; the leap itself in a skipped one."""
    first, second = (shown.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first == second:
        return (first,)
    return (first, second) if first < second else (_leap(second, first, zone),)


def leaps(start: float, end: float, zone: ZoneInfo) -> Iterator[float]:
    """The instants in a span at which the clock is set forward or back, at most one a day."""
    while start < end:
        until = min(start + DAY, end)
        if _offset(start, zone) != _offset(until, zone):
            yield _leap(start, until, zone)
        start = until


def _leap(before: float, after: float, zone: ZoneInfo) -> float:
    """The first whole second after `before` that has the offset of `after`."""
    low, high, new = math.floor(before), math.ceil(after), _offset(after, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, zone) == new else (middle, high)
    return float(high)


def _offset(moment: float, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(moment, zone).utcoffset()


class Grid:
    """Time in parts of `every` seconds, numbered without a gap, as the site's clock shows them.

    Days begin at midnight and weeks on Monday, whatever their hours; hours and other parts of a day
    are counted from midnight. A part of more than an hour takes in an hour that is repeated. Spans
    that do not divide a day are counted from the epoch.
    """

    def __init__(self, every: float, zone: ZoneInfo) -> None:
        self._every, self._zone = every, zone
        self._days = round(every / DAY) if every % DAY == 0 else 0
        self._of_a_day = round(DAY / every) if DAY % every == 0 and every > HOUR else 0
        self._first = -_MONDAY if self._days % 7 == 0 else 0
        self._phase = 0.0
        if not self._days and not self._of_a_day and DAY % every == 0:
            self._phase = _standard_offset(zone) % every
        self._known: tuple[int | None, float, float] = (None, math.inf, -math.inf)

    @property
    def is_plain(self) -> bool:
        """Whether every part begins at a multiple of its length since the epoch."""
        return not self._days and not self._of_a_day and not self._phase

    def number(self, moment: float) -> int:
        """The number of the part that an instant lies in."""
        if not self._days and not self._of_a_day:
            return math.floor((moment + self._phase) / self._every)
        known, start, end = self._known
        if known is not None and start <= moment < end:
            return known
        number = self._guess(reading(moment, self._zone))
        while (start := self.start(number)) > moment:
            number -= 1
        while (end := self.start(number + 1)) <= moment:
            start, number = end, number + 1
        self._known = (number, start, end)
        return number

    def start(self, number: int) -> float:
        """When a part begins."""
        if self._days:
            days, seconds = self._first + number * self._days, 0.0
        elif self._of_a_day:
            days, part = divmod(number, self._of_a_day)
            seconds = part * self._every
        else:
            return number * self._every - self._phase
        known, start, end = self._known
        if number == known:
            return start
        if known is not None and number == known + 1:
            return end
        shown = datetime.combine(_EPOCH + timedelta(days=days), time()) + timedelta(seconds=seconds)
        return instants(shown, self._zone)[0]

    def _guess(self, shown: datetime) -> int:
        day = (shown.date() - _EPOCH).days
        if self._days:
            return (day - self._first) // self._days
        into = (shown - datetime.combine(shown.date(), time())).total_seconds()
        return day * self._of_a_day + math.floor(into / self._every)


def _standard_offset(zone: ZoneInfo) -> float:
    """Seconds by which the site's clock is ahead of UTC outside summer time."""
    winter = datetime(2026, 1, 1, tzinfo=zone)
    return ((winter.utcoffset() or timedelta()) - (winter.dst() or timedelta())).total_seconds()
