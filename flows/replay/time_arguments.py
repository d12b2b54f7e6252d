"""Times of a replay: `--from` and `--to` as people write them, instants and spans as shown."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from operators.model.units import duration


def moment(text: str, now: float, zone: ZoneInfo) -> float:
    """Epoch seconds of a date, a time, a span before `now`, or a word.

    A date or time is `2026-11-01` or `2026-11-01T08:30`, in `zone` if it names none; a span is
    `-30d`; the words are `now`, `today` and `yesterday` (their midnight). Raises `ValueError` with
    the remedy. A time of the hour that a clock shows twice is the first one; one of the hour that
    it leaves out is that much later.
    """
    word = text.strip()
    if word == "now":
        return now
    if word in ("today", "yesterday"):
        day = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return (day - timedelta(days=word == "yesterday")).timestamp()
    if word.startswith("-"):
        return now - duration(word[1:])
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; write a date (2026-11-01), a time (2026-11-01T08:30), a span"
            " back from now (-30d), now, today or yesterday"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()


def iso(at: float, zone: ZoneInfo) -> str:
    """An instant for programs: the site's time with its offset, as many decimals as needed."""
    found = datetime.fromtimestamp(at, zone)
    needed = (
        "microseconds"
        if found.microsecond % 1000
        else "milliseconds"
        if found.microsecond
        else "seconds"
    )
    return found.isoformat(timespec=needed)


class Shown:
    """Instants for people in the site's time, with the offset if it changes within the period."""

    def __init__(self, zone: ZoneInfo, start: float, end: float) -> None:
        self._zone = zone
        first, last = (datetime.fromtimestamp(at, zone) for at in (start, end))
        self._offset = first.utcoffset() != last.utcoffset()

    def __call__(self, at: float | None) -> str:
        """The instant; `still` for None."""
        if at is None:
            return "still"
        found = datetime.fromtimestamp(at, self._zone)
        return (
            found.isoformat(" ", "seconds") if self._offset else found.strftime("%Y-%m-%d %H:%M:%S")
        )


def span(seconds: float) -> str:
    """A length of time in its two largest units: `3d 4h`, `12min 30s`, `0.8s`."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f}s"
    whole = round(seconds)
    parts: list[str] = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if whole >= size or (unit == "s" and not parts):
            parts.append(f"{whole // size}{unit}")
            whole %= size
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(
        part for number, part in enumerate(parts) if number == 0 or not part.startswith("0")
    )
