"""What a replay says of pictures: what was looked at, and where objects were."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import click

from flows.replay.diff import Difference
from flows.replay.episodes import Episode
from flows.replay.pictures.history import PictureHistory
from flows.replay.time_arguments import Shown, iso, span

HEAD = ("OBJECTS", "CAMERA", "FROM", "TO", "HOW LONG", "SCORE")


def looked(history: PictureHistory) -> str:
    """What the model had to do, for the head of a report."""
    files = "1 recording" if history.files == 1 else f"{history.files:,} recordings"
    return f"{files} ({history.known_files:,} known), {history.pictures:,} pictures looked at"


def looked_json(history: PictureHistory) -> dict[str, int]:
    """The same as an object."""
    return {
        "recordings": history.files,
        "known": history.known_files,
        "looked_at": history.pictures,
    }


def listed(
    stays: Sequence[Episode], shown: Shown, end: float, most: int, sign: str = ""
) -> Iterator[str]:
    """A table of stays."""
    rows = [HEAD, *(_row(stay, shown, end) for stay in stays[:most])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield (sign + "  ".join(cells)).rstrip()
    if len(stays) > most:
        yield f"… and {len(stays) - most:,} more"


def compared(
    found: Difference, old: str, new: str, shown: Shown, end: float, most: int
) -> Iterator[str]:
    """What differs, before (`old`) and after (`new`)."""
    if found.is_none:
        yield f"objects: no difference, {found.same:,} at the same times"
        return
    for title, some, sign in (
        (f"objects only before ({old})", found.only_before, click.style("- ", fg="green")),
        (f"objects only after ({new})", found.only_after, click.style("+ ", fg="red")),
    ):
        if some:
            yield f"\n{title}: {len(some):,}"
            yield from listed(some, shown, end, most, sign)
    if found.moved:
        yield f"\nobjects moved: {len(found.moved):,}"
        yield from listed([now for _, now in found.moved], shown, end, most, "~ ")
    yield f"\nobjects unchanged: {found.same:,}"


def as_object(stay: Episode, end: float, zone: ZoneInfo) -> dict[str, Any]:
    """A stay as JSON has it."""
    return {
        "objects": stay.alarm,
        "camera": stay.subject,
        "from": iso(stay.raised, zone),
        "to": None if stay.cleared is None else iso(stay.cleared, zone),
        "seconds": round(stay.seconds(end), 3),
        "score": stay.value,
        "page": stay.page,
    }


def difference_json(found: Difference, one: Callable[[Episode], Any]) -> dict[str, Any]:
    """What differs, as JSON has it."""
    return {
        "same": found.same,
        "only_before": [one(stay) for stay in found.only_before],
        "only_after": [one(stay) for stay in found.only_after],
        "moved": [{"before": one(old), "after": one(new)} for old, new in found.moved],
    }


def _row(stay: Episode, shown: Shown, end: float) -> tuple[str, ...]:
    score = f"{stay.value:.2f}" if isinstance(stay.value, float) else ""
    long = span(stay.seconds(end)) if stay.cleared != stay.raised else ""
    return stay.alarm, stay.subject, shown(stay.raised), shown(stay.cleared), long, score
