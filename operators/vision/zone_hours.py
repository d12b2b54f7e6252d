"""The hours of the day in which a zone counts."""

from zoneinfo import ZoneInfo

from operators.model.local_time import reading

PATTERN = r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"


def shows(hours: str | None, time: float, timezone: ZoneInfo) -> bool:
    """Whether the site's clock shows a time of `20:00-06:00` at `time` (epoch seconds).

    Hours may go past midnight; None are all.
    """
    if hours is None:
        return True
    start, end = map(_minutes, hours.split("-"))
    clock = reading(time, timezone)
    now = clock.hour * 60 + clock.minute
    return start <= now < end if start < end else now >= start or now < end


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
