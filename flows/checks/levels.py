"""The levels of an alarm: each limit beyond the one before it, each priority higher."""

from connectors.config.document import Path_
from flows.checks.context import Scope
from flows.language.model import inputs
from operators.model.condition import When
from operators.model.priority import PRIORITIES, Level, Priority, why_not
from operators.model.units import Some

TELLING = ("email", "webhook")
"""Sinks that tell people."""


def check_levels(scope: Scope) -> None:
    for name, alarm in scope.flow.alarms.items():
        if alarm.when is not None and isinstance(alarm.priority, str):
            _check_order(
                scope, ("alarms", name, "levels"), alarm.when, alarm.priority, alarm.levels
            )
    for name, sink in scope.flow.sinks.items():
        if sink.kind in TELLING and sink.only is not None:
            _check_told(
                scope, ("sinks", name, "only", "change"), inputs(sink.from_), sink.only.change
            )


def _check_told(scope: Scope, path: Path_, read: list[str], changes: Some | None) -> None:
    """Who is told of an alarm wants to hear that it became worse."""
    told = [changes] if isinstance(changes, str) else list(changes or ())
    rising = [
        name
        for name, alarm in scope.flow.alarms.items()
        if alarm.levels and {name, "alarms"} & set(read)
    ]
    if rising and "raised" in told and "escalated" not in told:
        message = f"nobody hears here when {rising[0]!r} takes a higher priority"
        scope.say(path, message, "add 'escalated'", level="warning")


def _check_order(
    scope: Scope, place: Path_, when: When, lower: Priority, levels: list[Level]
) -> None:
    before: When | Level = when
    for index, level in enumerate(levels):
        path: Path_ = (*place, index)
        if wrong := why_not(before, level):
            scope.say((*path, level.kind), wrong)
        higher = PRIORITIES[PRIORITIES.index(lower) + 1 :]
        if level.priority not in higher:
            message = f"{level.priority!r} is no more urgent than the {lower!r} before it"
            hint = (
                f"write {' or '.join(higher)}" if higher else "nothing is more urgent than critical"
            )
            scope.say((*path, "priority"), message, hint)
        before, lower = level, level.priority
