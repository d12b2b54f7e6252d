"""The limits by which an alarm judges the signals of a subject, raised or not."""

from collections.abc import Iterator

import msgspec

from operators.alarms.engine.machine import Engine
from operators.alarms.engine.rule import Level
from operators.alarms.engine.state import Slot, State
from operators.model.priority import PRIORITY_OF
from operators.model.units import Quantity


class WatchedLimit(msgspec.Struct):
    """A limit of a signal; None for an alarm that has none, such as one of silence.

    `unit` is None where the limit is in the signal's own unit.
    """

    rule: str
    alarm: str
    metric: str | None
    priority: str
    limit: float | None = None
    unit: str | None = None


def watching(engine: Engine, subject: str) -> Iterator[State]:
    """The alarms of a subject; of one to which nothing ever happened, the state that it would get.

    What is disabled or gone judges nothing.
    """
    for rule_id, slots in engine.slots.items():
        slot = slots.get(subject)
        if slot is not None:
            state = slot.state or State(engine.rules[rule_id], subject, slot)
            if state.enabled and not state.gone:
                yield state


def limits_of(alarm: str, s: State) -> list[WatchedLimit]:
    """What a signal is judged by."""
    metric = s.slot.about[0] if s.slot.about else None
    base = WatchedLimit(s.rule.id, alarm, metric, PRIORITY_OF[s.rule.base_severity])
    return [
        msgspec.structs.replace(
            base, priority=PRIORITY_OF[level.severity], limit=edge, unit=s.rule.unit
        )
        for level in s.rule.levels
        for edge in _edges(level)
    ] or [base]


def crossed_limit(alarm: str, s: State, level: Quantity) -> WatchedLimit:
    """The level of a rule that asks for its crossing."""
    (base,) = limits_of(alarm, s)
    return msgspec.structs.replace(base, limit=level.number, unit=level.unit)


def signal(engine: Engine, rule_id: str, subject: str, metric: str | None) -> State:
    """The state of an alarm that has none because nothing ever happened to the signal."""
    return State(engine.rules[rule_id], subject, Slot(about=(metric, {})))


def _edges(level: Level) -> list[float]:
    if level.of_rate or level.kind in ("", "equals"):
        return []
    return list(level.limit) if isinstance(level.limit, list | tuple) else [level.limit]
