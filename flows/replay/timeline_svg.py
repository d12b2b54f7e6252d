"""The timeline of a replay as SVG, a row for each alarm and subject; no scripts, no fonts."""

from collections.abc import Iterator, Sequence
from html import escape
from zoneinfo import ZoneInfo

from flows.replay.episodes import RANK, Episode
from flows.replay.time_arguments import Shown, span
from flows.replay.timeline_rows import TimelineRow, busiest, marks, rows
from operators.alarms.kpi_figures import Flood

MOST = 60
WIDE, MARGIN, TITLE, AXIS, LEGEND = 900.0, 16.0, 46.0, 26.0, 34.0
LANE, BAR = 26.0, 12.0
CHARACTER = 6.6
LONGEST_NAME = 48
THINNEST = 1.5
COLOURS = {"low": "#0969da", "medium": "#bf8700", "high": "#cf222e", "critical": "#8250df"}
OLD, INK, QUIET, LINE, FLOOD = "#8c959f", "#1b1f24", "#57606a", "#d0d7de", "#ffebe9"


def picture(
    title: str,
    after: Sequence[Episode],
    before: Sequence[Episode] | None,
    floods: Sequence[Flood],
    period: tuple[float, float],
    zone: ZoneInfo,
) -> str:
    """The picture of a period (epoch seconds); with `before`, each row shows it above the after."""
    return _Picture(title, after, before, floods, period, zone).text()


class _Picture:
    def __init__(
        self, title: str, after: Sequence[Episode], before: Sequence[Episode] | None,
        floods: Sequence[Flood],
        period: tuple[float, float], zone: ZoneInfo,
    ) -> None:  # fmt: skip
        self._title, self._floods, self._zone = title, floods, zone
        self._both = before is not None
        self._start, self._end = period
        self._all = rows(after, before)
        self._rows = busiest(self._all, MOST, self._end)
        self._high = LANE + (BAR + 2 if self._both else 0)
        names = [min(LONGEST_NAME, len(f"{row.alarm} {row.subject}")) for row in self._rows]
        self._left = MARGIN + CHARACTER * max(names, default=10) + 14
        self._top = TITLE + AXIS
        self._bottom = self._top + self._high * max(1, len(self._rows))
        self._shown = Shown(zone, *period)
        self._priorities = {e.priority for e in after}

    def text(self) -> str:
        wide, high = self._left + WIDE + MARGIN, self._bottom + LEGEND + MARGIN
        label = escape(self._title, quote=True)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
            f'viewBox="0 0 {wide:.0f} {high:.0f}" role="img" aria-label="{label}" '
            'font-family="system-ui, sans-serif" font-size="12">',
            f'<rect width="{wide:.0f}" height="{high:.0f}" fill="#ffffff"/>',
            f'<text x="{MARGIN:.0f}" y="28" font-size="15" font-weight="600" fill="{INK}">'
            f"{escape(self._title)}</text>",
            *self._shaded(), *self._axis(),
        ]  # fmt: skip
        for number, row in enumerate(self._rows):
            parts += self._row(row, self._top + number * self._high)
        if not self._rows:
            y = self._top + 17
            parts.append(
                f'<text x="{self._left:.1f}" y="{y:.1f}" fill="{QUIET}">no alarm would have been'
                " raised</text>"
            )
        return "\n".join([*parts, *self._legend(), "</svg>"]) + "\n"

    def _x(self, at: float) -> float:
        length = max(self._end - self._start, 1e-6)
        return self._left + WIDE * min(1.0, max(0.0, (at - self._start) / length))

    def _shaded(self) -> Iterator[str]:
        for flood in self._floods:
            x, end = self._x(flood.start), self._x(flood.end)
            yield (
                f'<rect x="{x:.1f}" y="{self._top:.1f}" width="{max(end - x, THINNEST):.1f}"'
                f' height="{self._bottom - self._top:.1f}" fill="{FLOOD}"><title>alarm flood,'
                f" {flood.alarms} alarms, {escape(self._shown(flood.start))} to"
                f" {escape(self._shown(flood.end))}</title></rect>"
            )

    def _axis(self) -> Iterator[str]:
        for at, text in marks(self._start, self._end, self._zone, 10):
            x = self._x(at)
            yield (
                f'<line x1="{x:.1f}" y1="{self._top - 4:.1f}" x2="{x:.1f}" y2="{self._bottom:.1f}"'
                f' stroke="{LINE}"/><text x="{x:.1f}" y="{self._top - 9:.1f}" font-size="11"'
                f' text-anchor="middle" fill="{QUIET}">{escape(text)}</text>'
            )

    def _row(self, row: TimelineRow, top: float) -> Iterator[str]:
        name = f"{row.alarm} {row.subject}"
        shown = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        right = self._left + WIDE
        yield (
            f'<g><title>{escape(name)}</title><line x1="{MARGIN:.1f}" y1="{top:.1f}"'
            f' x2="{right:.1f}" y2="{top:.1f}" stroke="{LINE}"/><text x="{MARGIN:.1f}"'
            f' y="{top + self._high / 2 + 4:.1f}" fill="{INK}">{escape(shown)}</text></g>'
        )
        first = top + (LANE - BAR) / 2
        if self._both:
            yield from (self._bar(episode, first, OLD, "before") for episode in row.before)
            first += BAR + 2
        yield from (
            self._bar(e, first, COLOURS[e.priority], "after" if self._both else "")
            for e in row.after
        )

    def _bar(self, episode: Episode, top: float, colour: str, side: str) -> str:
        x = self._x(episode.raised)
        end = self._x(self._end if episode.cleared is None else episode.cleared)
        until = (
            f"to {self._shown(episode.cleared)}"
            if episode.cleared is not None
            else "and still there"
        )
        when = f"{self._shown(episode.raised)} {until} ({span(episode.seconds(self._end))})"
        words = (
            f"{side + ': ' if side else ''}{episode.alarm} {episode.subject}, {episode.priority},"
            f" {when}"
        )
        words += ", unheard" if episode.masked else ""
        faint = ' fill-opacity="0.3"' if episode.masked else ""
        return (
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{max(end - x, THINNEST):.1f}"'
            f' height="{BAR:.0f}" rx="1.5"'
            f' fill="{colour}"{faint}><title>{escape(words)}</title></rect>'
        )

    def _legend(self) -> Iterator[str]:
        items = [("before", OLD)] if self._both else []
        prefix = "after, " if self._both else ""
        items += [(prefix + word, COLOURS[word]) for word in RANK if word in self._priorities]
        items += [("alarm flood", FLOOD)] if self._floods else []
        x, y = self._left, self._bottom + 22
        for text, colour in items:
            yield (
                f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="14" height="10" fill="{colour}"'
                f' stroke="{LINE}"/>'
            )
            yield f'<text x="{x + 20:.1f}" y="{y:.1f}" fill="{QUIET}">{escape(text)}</text>'
            x += 36 + CHARACTER * len(text)
        note = f"times are {self._zone.key}"
        if len(self._all) > len(self._rows):
            note += f"; {len(self._rows)} of {len(self._all)} rows, those with the most to see"
        yield (
            f'<text x="{self._left + WIDE:.1f}" y="{y:.1f}" text-anchor="end"'
            f' fill="{QUIET}">{escape(note)}</text>'
        )
