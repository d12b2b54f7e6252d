"""The hours of the day in which a zone counts."""

import re
from zoneinfo import ZoneInfo

from operators.model.local_time import reading
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


def shows(hours: str | None, time: float, timezone: ZoneInfo) -> bool:
    """Whether the site's clock shows a time of `20:00-06:00` at `time` (epoch seconds).

    Hours may go past midnight, and begin or end with `sunrise` or `sunset`; None are all.
    """
    if hours is None:
        return True
    clock = reading(time, timezone)
    sun = sun_times(clock.date(), timezone)
    start, end = (_minutes(word, sun) for word in hours.split("-"))
    now = clock.hour * 60 + clock.minute + clock.second / 60
    return start <= now < end if start < end else now >= start or now < end


def _minutes(word: str, sun: SunTimes) -> float:
    if word in ("sunrise", "sunset"):
        return sun.rise if word == "sunrise" else sun.set
    hour, minute = word.split(":")
    return int(hour) * 60 + int(minute)
