"""A plan as text for people: `+` new, `~` changed, `-` gone."""

from collections.abc import Iterator

from flows.site.plans.plan import Change, Plan

SIGNS = {"new": "+", "changed": "~", "renamed": "~", "gone": "-", "same": " "}
MOST = 20
"""Alarms of a replay that are listed."""
WORDS = {"alarms": "alarm", "streams": "stream", "sources": "source", "sinks": "sink"}


def text(plan: Plan) -> Iterator[str]:
    """The lines of a plan."""
    if plan.is_none:
        yield f"{plan.flow}: no differences"
        yield from _apart(plan)
        yield from (f"  unknown: {what}" for what in plan.unknown)
        return
    yield f"{plan.flow}: {'a new flow' if plan.is_new else 'changes'}"
    for change in plan.changes:
        yield from _change(change)
    for sign, what, names in (
        (" ", "state kept", plan.kept),
        (">", "state taken over", plan.migrated),
        ("+", "begins without state", plan.begun),
        ("-", "state LOST", plan.lost),
        ("+", "topic made", plan.topics),
        ("+", "table", plan.tables),
    ):
        yield from (f"  {sign} {what}: {name}" for name in names)
    if plan.lost:
        drop = " ".join(f"--drop {name}" for name in plan.lost)
        yield f"      refused unless renamed with `was:`, or deployed with {drop}"
    yield from (f"  ! {missing}" for missing in plan.rights)
    yield from _apart(plan)
    yield from (f"  {line}" for line in plan.replayed[:1])
    yield from (f"      {line}" for line in plan.replayed[1 : MOST + 1])
    if len(plan.replayed) > MOST + 1:
        yield f"      … and {len(plan.replayed) - MOST - 1} more; see vigie replay --against"
    yield from (f"  ? unknown: {what}" for what in plan.unknown)


def _apart(plan: Plan) -> Iterator[str]:
    for topic in plan.apart:
        yield f"    topic {topic} is not keyed by subject: each process reads all its partitions"


def _change(change: Change) -> Iterator[str]:
    word = WORDS.get(change.section, change.section.removesuffix("s"))
    name = f" {change.name}" if change.name != change.section else ""
    was = f" (was {change.was})" if change.was else ""
    yield f"  {SIGNS[change.what]} {word}{name}{was}"
    yield from (f"      {line}" for line in change.lines)
    for subject, fate in change.standing.items():
        yield f"      now {fate.replace(': ', f' for {subject}: ', 1)}"
