"""The timeline of a replay in a terminal: a line for each alarm and subject."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

import click

from flows.replay.episodes import Episode
from flows.replay.timeline_rows import TimelineRow, busiest, marks, rows

MOST = 20
NAME = 36
BOTH, BEFORE, AFTER, UNHEARD, NONE = "█", "▄", "▀", "░", "·"


def timeline(
    after: Sequence[Episode],
    before: Sequence[Episode] | None,
    start: float,
    end: float,
    zone: ZoneInfo,
    width: int,
) -> Iterator[str]:
    """Lines of at most `width` characters; with `before`, differences have signs of their own."""
    if end <= start:
        return
    found = rows(after, before)
    chosen = busiest(found, MOST, end)
    names = [_name(row) for row in chosen]
    left = max(map(len, names))
    columns = max(20, min(100, width - left - 2))
    for row, name in zip(chosen, names, strict=True):
        yield (
            f"{name.ljust(left)}  {''.join(_signs(row, before is not None, start, end, columns))}"
        )
    yield f"{'':<{left}}  {_axis(start, end, zone, columns)}"
    if len(found) > len(chosen):
        yield (
            f"{'':<{left}}  the {len(chosen)} with the most to see of {len(found)}; --svg draws"
            " more"
        )
    if before is not None:
        signs = (click.style(BEFORE, fg="green"), click.style(AFTER, fg="red"))
        yield (
            f"{'':<{left}}  {BOTH} before and after  {signs[0]} only before  {signs[1]} only after"
        )


def _name(row: TimelineRow) -> str:
    name = f"{row.alarm} {row.subject}"
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _signs(row: TimelineRow, both: bool, start: float, end: float, columns: int) -> Iterator[str]:
    size = (end - start) / columns
    old = _covered(row.before, start, end, size, columns)
    new = _covered(row.after, start, end, size, columns)
    for is_old, is_new in zip(old, new, strict=True):
        if not both:
            yield BOTH if is_new == 2 else UNHEARD if is_new else NONE
        elif is_old and is_new:
            yield BOTH
        elif is_old:
            yield click.style(BEFORE, fg="green")
        elif is_new:
            yield click.style(AFTER, fg="red")
        else:
            yield NONE


def _covered(
    episodes: Sequence[Episode], start: float, end: float, size: float, columns: int
) -> list[int]:
    """For each column 2 where an alarm was heard, 1 where it was not, 0 where there was none."""
    found = [0] * columns
    for episode in episodes:
        first = int((max(episode.raised, start) - start) / size)
        last = int(((end if episode.cleared is None else min(episode.cleared, end)) - start) / size)
        for column in range(min(first, columns - 1), min(last, columns - 1) + 1):
            found[column] = max(found[column], 1 if episode.masked else 2)
    return found


def _axis(start: float, end: float, zone: ZoneInfo, columns: int) -> str:
    line = ""
    for at, text in marks(start, end, zone, max(2, columns // 14)):
        column = int((at - start) / (end - start) * columns)
        if column >= len(line) + (1 if line else 0) and column + len(text) <= columns + 8:
            line = line.ljust(column) + text
    return line
