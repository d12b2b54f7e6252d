"""The hours of the day in which a zone counts."""

import math
import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from operators.component import Location
from operators.model.local_time import DAY, instants, leaps, reading
from operators.model.sun import SunTimes, sun_times

_END = r"([01]\d|2[0-3]):[0-5]\d|sunrise|sunset"
PATTERN = rf"^({_END})-({_END}|24:00)$"


def checked_hours(text: str) -> str:
    """`20:00-06:00` or `sunset-sunrise`, checked; raises ValueError with the remedy."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(
            f"{text!r} is not a span of the day; write it as 20:00-07:00, sunset-sunrise or"
            " sunset-23:00"
        )
    start, end = text.split("-")
    if start == end:
        raise ValueError(f"{text!r} is empty; leave 'hours' out for the whole day")
    return text


class Hours:
    """Says when the site's clock shows a time of `20:00-06:00`.

    Hours may go past midnight, and begin or end with `sunrise` or `sunset`.
    """

    def __init__(self, timezone: ZoneInfo, location: Location | None) -> None:
        self._timezone = timezone
        self._location = location

    def show(self, hours: str, moment: float) -> bool:
        """Whether these are the hours of an instant (epoch seconds)."""
        clock = reading(moment, self._timezone)
        sun = sun_times(clock.date(), self._timezone, self._location)
        start, end = (_minutes(word, sun) for word in hours.split("-"))
        now = clock.hour * 60 + clock.minute + clock.second / 60
        return start <= now < end if start < end else now >= start or now < end

    def next_edge(self, hours: str, moment: float) -> float:
        """The first whole second after an instant at which they may begin or end.

        That is also where the clock is set forward or back.
        """
        today = reading(moment, self._timezone).date()
        edges = list(leaps(moment, moment + 2 * DAY, self._timezone))
        for day in (today, today + timedelta(days=1), today + timedelta(days=2)):
            sun = sun_times(day, self._timezone, self._location)
            for word in hours.split("-"):
                shown = datetime.combine(day, time()) + timedelta(minutes=_minutes(word, sun))
                edges += [float(math.ceil(one)) for one in instants(shown, self._timezone)]
        return min((edge for edge in edges if edge > moment), default=math.inf)


def _minutes(word: str, sun: SunTimes) -> float:
    if word in ("sunrise", "sunset"):
        return sun.rise if word == "sunrise" else sun.set
    hour, minute = word.split(":")
    return int(hour) * 60 + int(minute)
