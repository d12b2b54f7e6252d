"""What a new version would have raised on the history of the last hours, beside the old one."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from connectors.base import ConnectorError
from connectors.config.site import Site
from connectors.kafka.topic_names import TopicNames
from flows.checks.context import Scope
from flows.dataflow.compiler import NotRunnable
from flows.language.lock import born, lock_path, read_lock
from flows.language.profiles import for_profile
from flows.replay.diff import Difference, difference
from flows.replay.episodes import Episode
from flows.replay.replay import Definition, Period, Replay
from flows.replay.sources import InputError, resolve
from flows.replay.time_arguments import Shown, span
from flows.site.plans.plan import Side

NEAR = 60.0
"""Seconds between an alarm before and one after that are one alarm that moved."""
PATIENCE = 60.0
"""Seconds of work; a longer history is for `vigie replay`."""


class NoHistory(Exception):
    """There is nothing to replay; the message says why."""


@dataclass(frozen=True)
class Compared:
    """The alarms of both versions from `start` to `end`, in epoch seconds, and how they differ."""

    start: float
    end: float
    before: list[Episode]
    after: list[Episode]
    found: Difference


def compare(
    old: Side | None,
    new: Side,
    site: Site,
    profile: str | None,
    seconds: float,
    tell: Callable[[float], None] = lambda share: None,
) -> Compared:
    """Replay both versions; raises `NoHistory`."""
    now = time.time()
    until = time.monotonic() + PATIENCE

    def told(share: float) -> None:
        if time.monotonic() > until:
            raise NoHistory(
                f"{share:.0%} of the history took {PATIENCE:g} s; say a shorter --over, or see"
                " vigie replay --against"
            )
        tell(share)

    try:
        sides = [new, *([old] if old is not None else [])]
        definitions = [_definition(one, site, profile) for one in sides]
        replayed = Replay(definitions, Period(now - seconds, now, 0.0), site)
        replayed.play(told)
    except (InputError, ConnectorError, NotRunnable) as error:
        raise NoHistory(str(error)) from None
    if not any(replayed.counts.values()):
        raise NoHistory(f"nothing came in the last {span(seconds)}")
    after = replayed.runs[0].episodes.all()
    before = replayed.runs[1].episodes.all() if old is not None else []
    return Compared(
        now - seconds, now, before, after, difference(_renamed(before, new), after, NEAR)
    )


def last_day(compared: Compared, zone: ZoneInfo) -> list[str]:
    """The alarms that differ, a line each."""
    shown = Shown(zone, compared.start, compared.end)
    return [
        f"over the last {span(compared.end - compared.start)}: {len(compared.before)} alarms"
        f" before, {len(compared.after)} after",
        *_lines(compared.found, shown, compared.end),
    ]


def _definition(side: Side, site: Site, profile: str | None) -> Definition:
    path, flow = side.document.path, side.flow
    inputs = resolve(for_profile(flow, profile), {}, TopicNames.of_site(site))
    if not flow.alarms and not inputs.telling:
        raise InputError("no alarms are in it")
    names = born(flow, read_lock(lock_path(path, flow)))
    tables = Scope(side.document, flow).tables
    return Definition(str(path), flow, tables, inputs, names, profile, site.place)


def _renamed(episodes: Iterable[Episode], new: Side) -> list[Episode]:
    """Episodes of the old version under the names that their alarms have now."""
    flow = new.flow
    names = {entry.was: name for name, entry in flow.alarms.items() if entry.was}
    return [
        replace(one, alarm=names[one.alarm], rule=f"{flow.flow}/{names[one.alarm]}")
        if one.alarm in names and one.rule == f"{flow.flow}/{one.alarm}"
        else one
        for one in episodes
    ]


def _lines(found: Difference, shown: Shown, end: float) -> Iterator[str]:
    for sign, episodes in (("-", found.only_before), ("+", found.only_after)):
        yield from (f"{sign} {_text(one, shown, end)}" for one in episodes)
    for one, other in found.moved:
        yield f"~ {_text(one, shown, end)} → {shown(other.raised)}, {span(other.seconds(end))}"
    for one, other in found.reprioritised:
        yield f"~ {_text(one, shown, end)}: {one.priority} → {other.priority}"


def _text(one: Episode, shown: Shown, end: float) -> str:
    return f"{one.alarm} {one.subject}: {shown(one.raised)}, {span(one.seconds(end))}"
