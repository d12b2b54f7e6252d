"""Suppression: by other alarms, and by the clock. What its end tells: `lifecycle.unmask`."""

import math

from operators.alarms.engine.lifecycle import unmask
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Outlet, emit

SCHEDULE_SOURCE, WHILE_SOURCE = "schedule", "while"
"""What hides an alarm that is not armed: nothing holds when it is armed again."""


def inhibit(engine: Outlet, s: State, source: str, on: bool, t: float) -> None:
    """A source of suppression comes or goes. Only the edges of the whole suppression are shown."""
    if on:
        was = s.suppressed
        if source not in s.inhibitors:
            s.inhibitors = tuple(sorted((*s.inhibitors, source)))
        s.hold_until = None
        if not was:
            emit(engine, s, "suppressed", t, "inhibit:" + source)
    elif source in s.inhibitors:
        s.inhibitors = tuple(i for i in s.inhibitors if i != source)
        if s.inhibitors:
            return
        if s.rule.suppress_hold > 0 and source not in (SCHEDULE_SOURCE, WHILE_SOURCE):
            s.hold_until, s.held_by = t + s.rule.suppress_hold, source
        elif not s.suppressed:
            unmask(engine, s, "unsuppressed", t, "inhibit:" + source)


def follow_schedule(engine: Outlet, s: State, t: float) -> None:
    """Take the schedule's word for the instant `t`, and its next edge as a timer."""
    schedule = s.rule.schedule
    if schedule is None:
        s.edge = None
        inhibit(engine, s, SCHEDULE_SOURCE, False, t)
        return
    edge = schedule.next_edge(t)
    s.edge = None if math.isinf(edge) else edge
    inhibit(engine, s, SCHEDULE_SOURCE, not schedule.armed(t), t)
