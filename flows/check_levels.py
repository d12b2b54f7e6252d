"""The levels of an alarm: each limit beyond the one before it, each priority higher."""

from connectors.document import Path_
from flows.scope import Scope
from operators.condition import When
from operators.levels import PRIORITIES, Level, Priority, why_not


def check_levels(scope: Scope) -> None:
    for name, alarm in scope.flow.alarms.items():
        if alarm.when is not None and isinstance(alarm.priority, str):
            _check_order(scope, ("alarms", name, "levels"), alarm.when, alarm.priority, alarm.levels)


def _check_order(scope: Scope, place: Path_, when: When, lower: Priority, levels: list[Level]) -> None:
    before: When | Level = when
    for index, level in enumerate(levels):
        path: Path_ = (*place, index)
        if wrong := why_not(before, level):
            scope.say((*path, level.kind), wrong)
        higher = PRIORITIES[PRIORITIES.index(lower) + 1 :]
        if level.priority not in higher:
            message = f"{level.priority!r} is no more urgent than the {lower!r} before it"
            hint = f"write {' or '.join(higher)}" if higher else "nothing is more urgent than critical"
            scope.say((*path, "priority"), message, hint)
        before, lower = level, level.priority
