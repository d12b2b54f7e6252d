"""The outcome of a replay as text for people."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import click

from flows.replay.diff import Difference
from flows.replay.episodes import RANK, Episode
from flows.replay.lint import Finding
from flows.replay.pictures import report as pictures
from flows.replay.pictures.history import PictureHistory
from flows.replay.replay import Replay, Run
from flows.replay.sources import Place
from flows.replay.time_arguments import Shown, span
from flows.replay.timeline_text import timeline
from operators.alarms.kpi_figures import Figures

NOT_REPLAYED = (
    "what people did is not replayed: nothing is acknowledged, shelved or taken out of service"
)
NO_DATA = ("no_data", "unavailable", "not_a_number", "unit")
"""Reasons of an alarm that is raised because there are no good data."""
COLOURS = {"low": "cyan", "medium": "yellow", "high": "red", "critical": "magenta"}


@dataclass(frozen=True)
class Outcome:
    """All that there is to report."""

    replay: Replay
    run: Run
    episodes: Sequence[Episode]
    figures: Figures
    findings: Sequence[Finding]
    zone: ZoneInfo
    seconds: float
    before: Run | None = None
    before_episodes: Sequence[Episode] = ()
    before_figures: Figures | None = None
    difference: Difference | None = None
    stays: Sequence[Episode] = ()
    before_stays: Sequence[Episode] = ()
    stays_difference: Difference | None = None

    @property
    def differs(self) -> bool:
        """Whether alarms, or objects on pictures, are other ones than before."""
        found = (self.difference, self.stays_difference)
        return any(one is not None and not one.is_none for one in found)

    @property
    def events(self) -> int:
        """Events of history that were played."""
        return sum(self.replay.counts.values())


def text(outcome: Outcome, most: int, width: int) -> Iterator[str]:
    """The lines of the report; `most` alarms are listed, `width` is that of the terminal."""
    replay = outcome.replay
    shown = Shown(outcome.zone, replay.start, replay.end)
    rate = f", {outcome.events / outcome.seconds:,.0f}/s" if outcome.seconds >= 1 else ""
    period = (
        f"{shown(replay.start)} to {shown(replay.end)} {outcome.zone.key},"
        f" {span(replay.end - replay.start)}"
    )
    yield f"{outcome.run.definition.label}: {period}"
    for name, place in inputs_of(outcome.run):
        count = (
            replay.counts.get(place, 0)
            if place in replay.histories
            else len(outcome.run.rows(name))
        )
        yield (
            f"  {name} from {place}: {count:,} {'events' if place in replay.histories else 'rows'}"
        )
    for history in replay.histories.values():
        if isinstance(history, PictureHistory):
            yield f"  {pictures.looked(history)}"
    yield f"  {outcome.events:,} events in {span(outcome.seconds)}{rate}; {NOT_REPLAYED}"
    for warning in warnings_of(outcome):
        yield click.style("warning", fg="yellow") + f": {warning}"
    if outcome.difference is None:
        yield ""
        yield from _listed(outcome.episodes, shown, replay.end, most)
    else:
        yield from _difference(outcome, outcome.difference, shown, most)
    yield from _objects(outcome, shown, most)
    if outcome.episodes or outcome.before_episodes:
        yield ""
        yield from timeline(
            outcome.episodes,
            outcome.before_episodes if outcome.before else None,
            replay.start,
            replay.end,
            outcome.zone,
            width,
        )
    yield ""
    yield from _figures(outcome)
    yield from _findings(outcome.findings)


def inputs_of(run: Run) -> Iterator[tuple[str, Place]]:
    """What a run read, by name."""
    inputs = run.definition.inputs
    yield from (*inputs.sources.items(), *inputs.streams.items(), *inputs.tables.items())


def warnings_of(outcome: Outcome) -> Iterator[str]:
    """What people should know of the history, and of what was refused."""
    yield from outcome.replay.warnings
    if not outcome.events:
        yield "there is no history in this time; look at --from, --to and --input"
    if outcome.run.refused:
        yield f"{outcome.run.refused:,} events were refused, as live they would be dead letters"


def _listed(
    episodes: Sequence[Episode], shown: Shown, end: float, most: int, sign: str = ""
) -> Iterator[str]:
    if not episodes:
        yield "no alarm would have been raised"
        return
    rows: list[tuple[str, ...]] = [
        ("ALARM", "SUBJECT", "PRIORITY", "RAISED", "CLEARED", "HOW LONG", "AT")
    ]
    rows += [_row(episode, shown, end) for episode in episodes[:most]]
    yield from _table(rows, [None, *(episode.priority for episode in episodes[:most])], sign)
    if len(episodes) > most:
        yield f"… and {len(episodes) - most:,} more (-n {len(episodes)} lists all; --json has all)"


def _row(episode: Episode, shown: Shown, end: float) -> tuple[str, ...]:
    masked = " (unheard)" if episode.masked else ""
    return (
        episode.alarm, episode.subject, episode.priority, shown(episode.raised),
        shown(episode.cleared),
        span(episode.seconds(end)) + masked, _value(episode),
    )  # fmt: skip


def _value(episode: Episode) -> str:
    if episode.reason in NO_DATA:
        return "no data"
    if episode.value is None:
        return ""
    value = f"{episode.value:g}" if isinstance(episode.value, float) else str(episode.value)
    return f"{value} {episode.unit}" if episode.unit else value


def _table(
    rows: Sequence[Sequence[str]], priorities: Sequence[str | None], sign: str = ""
) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row, priority in zip(rows, priorities, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if priority:
            cells[2] = click.style(cells[2], fg=COLOURS[priority])
        yield (sign + "  ".join(cells)).rstrip()


def _difference(outcome: Outcome, found: Difference, shown: Shown, most: int) -> Iterator[str]:
    assert outcome.before is not None
    old, new = outcome.before.definition.label, outcome.run.definition.label
    yield (
        f"compared with {old} (before): {len(outcome.before_episodes):,} alarms before,"
        f" {len(outcome.episodes):,} after"
    )
    if found.is_none:
        yield f"no difference: the same {found.same:,} alarms at the same times"
        return
    end = outcome.replay.end
    for title, some, sign in (
        (f"raised only before ({old})", found.only_before, click.style("- ", fg="green")),
        (f"raised only after ({new})", found.only_after, click.style("+ ", fg="red")),
    ):
        if some:
            yield f"\n{title}: {len(some):,}"
            yield from _listed(some, shown, end, most, sign)
    if found.moved:
        yield f"\nmoved: {len(found.moved):,}"
        rows: list[tuple[str, ...]] = [
            ("ALARM", "SUBJECT", "PRIORITY", "RAISED", "NOW", "CLEARED", "NOW")
        ]
        for old_one, new_one in found.moved[:most]:
            rows.append(
                (
                    new_one.alarm, new_one.subject, new_one.priority, shown(old_one.raised),
                    _shift(old_one.raised, new_one.raised), shown(old_one.cleared),
                    _shift(old_one.cleared, new_one.cleared),
                )
            )  # fmt: skip
        yield from _table(rows, [None, *(one.priority for _, one in found.moved[:most])], "~ ")
        if len(found.moved) > most:
            yield f"… and {len(found.moved) - most:,} more"
    if found.reprioritised:
        yield f"\nanother priority: {len(found.reprioritised):,}"
        pairs = found.reprioritised[:most]
        heads: list[tuple[str, ...]] = [
            ("ALARM", "SUBJECT", "PRIORITY", "BEFORE", "RAISED", "CLEARED")
        ]
        heads += [
            (
                now.alarm,
                now.subject,
                now.priority,
                was.priority,
                shown(now.raised),
                shown(now.cleared),
            )
            for was, now in pairs
        ]
        yield from _table(heads, [None, *(one.priority for _, one in pairs)], "~ ")
        if len(found.reprioritised) > most:
            yield f"… and {len(found.reprioritised) - most:,} more"
    yield f"\nunchanged: {found.same:,}"


def _objects(outcome: Outcome, shown: Shown, most: int) -> Iterator[str]:
    """What streams said of objects on pictures, or what differs of it."""
    end, found = outcome.replay.end, outcome.stays_difference
    if found is not None and outcome.before is not None:
        old, new = outcome.before.definition.label, outcome.run.definition.label
        yield from ("", *pictures.compared(found, old, new, shown, end, most))
    elif outcome.run.definition.inputs.telling:
        yield f"\nobjects: {len(outcome.stays):,}"
        if outcome.stays:
            yield from pictures.listed(outcome.stays, shown, end, most)


def _shift(old: float | None, new: float | None) -> str:
    if old == new:
        return "same"
    if old is None or new is None:
        return "still" if new is None else "ended"
    return f"{span(abs(new - old))} {'later' if new > old else 'earlier'}"


_KPIS: tuple[tuple[str, Callable[[Figures], str], str], ...] = (
    (
        "alarms",
        lambda f: f"{f.annunciated:,}" + (f" (and {f.masked:,} unheard)" if f.masked else ""),
        "",
    ),
    ("per ten minutes, mean", lambda f: "" if f.rate is None else f"{f.rate:.3g}", "at most 1"),
    ("per ten minutes, most", lambda f: f"{f.peak:,}", "at most 10"),
    ("in one hour, most", lambda f: f"{f.hourly:,}", "6, at most 12"),
    ("in one day, most", lambda f: f"{f.daily:,}", "144, at most 288"),
    (
        "time in alarm floods",
        lambda f: "" if f.in_flood is None else f"{f.in_flood:.2%}",
        "under 1 %",
    ),
    ("chattering alarms", lambda f: f"{len(f.chattering):,}", "none"),
    (
        "over in less than 10 s",
        lambda f: "" if f.fleeting_share is None else f"{f.fleeting_share:.1%}",
        "",
    ),
    ("standing at the end", lambda f: f"{f.standing:,}", ""),
    ("of these longer than a day", lambda f: f"{len(f.stale):,}", "under 5"),
)


def _figures(outcome: Outcome) -> Iterator[str]:
    before = outcome.before_figures
    rows: list[tuple[str, ...]] = [
        ("FIGURE", "BEFORE", "AFTER", "TARGET") if before else ("FIGURE", "VALUE", "TARGET")
    ]
    for name, pick, target in _KPIS:
        values = (pick(before), pick(outcome.figures)) if before else (pick(outcome.figures),)
        rows.append((name, *values, target))
    shares = [
        _shares(figures)
        for figures in ((before, outcome.figures) if before else (outcome.figures,))
    ]
    if any(shares):
        rows.append(("by priority", *shares, "low and medium 80 %, high 15 %, critical 5 %"))
    yield from _table(rows, [None] * len(rows))
    if outcome.figures.top_rules:
        yield "most frequent: " + ", ".join(
            f"{rule.partition('/')[2]} {n:,}" for rule, n in outcome.figures.top_rules[:5]
        )


def _shares(figures: Figures) -> str:
    counts = figures.priorities
    return ", ".join(
        f"{word} {counts[word] / sum(counts.values()):.0%}" for word in RANK if counts.get(word)
    )


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield ""
    for finding in findings:
        word = click.style("note", fg="cyan") if finding.note else click.style("lint", fg="yellow")
        who = " ".join(part for part in (finding.alarm, finding.subject) if part)
        yield f"{word}: {who + ': ' if who else ''}{finding.text}"
