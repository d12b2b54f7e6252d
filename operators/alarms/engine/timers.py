"""The timers of an alarm: when they are due, in which order, and what they do."""

from operators.alarms.engine.evaluate import settle_verdict
from operators.alarms.engine.lifecycle import (
    activate,
    enter_no_data,
    give_return,
    highest_level,
    off_delay,
    set_severity,
    unmask,
)
from operators.alarms.engine.state import State
from operators.alarms.engine.suppression import follow_schedule
from operators.alarms.engine.transition import Outlet, emit
from operators.model.phase import recent

TIMES, SCHEDULE, PULSE, OFF, ON, SEVERITY, NO_DATA, HOLD, SHELVE, REALARM = range(-2, 8)
"""Timers in the order in which they fire at one instant. The last two run on the wall clock."""

Timer = tuple[float, int]


def event_timers(s: State) -> list[Timer]:
    """(deadline, kind) of every timer that runs on event time."""
    out: list[Timer] = []
    if not s.enabled or s.gone:
        return out
    rule, floor, phase = s.rule, s.floor, s.phase
    if s.edge is not None:
        out.append((s.edge if s.edge > floor else floor, SCHEDULE))
    if s.pulse_at is not None and rule.pulse:
        out.append((max(s.pulse_at + rule.pulse, floor), PULSE))
    if rule.times and phase != "normal" and len(s.window) >= rule.times[0]:
        out.append((max(s.window[-rule.times[0]] + rule.times[1], floor), TIMES))
    if s.since is None:
        pass
    elif phase == "pending":
        out.append((max(s.since + rule.on_delay, floor), ON))
    elif phase == "recovering":
        out.append((max(s.since + off_delay(s), floor), OFF))
    elif phase == "active" and s.drift:
        since, up = s.drift
        out.append(
            (max(since + (rule.escalate_after if up else rule.deescalate_after), floor), SEVERITY)
        )
    if rule.watches_silence and not s.no_data and s.last_good is not None:
        out.append((max(s.last_good + rule.expect, floor), NO_DATA))
    if s.hold_until is not None:
        out.append((max(s.hold_until, floor), HOLD))
    return out


def wall_timers(s: State) -> list[Timer]:
    """(deadline, kind) of every timer that runs on the wall clock."""
    out: list[Timer] = []
    if not s.enabled:
        return out
    if s.until is not None:
        out.append((max(s.until, s.wall_floor), SHELVE))
    if s.rule.realarm and s.active and s.realarm_from is not None and not s.masked:
        out.append((max(s.realarm_from + s.rule.realarm, s.wall_floor), REALARM))
    return out


def fire(engine: Outlet, s: State, kind: int, t: float) -> None:
    """Do what the timer is for, at its deadline `t`."""
    if kind == PULSE:
        s.pulse_at = None
        s.levels = (False,) * len(s.rule.levels)
        settle_verdict(engine, s, t, False, True, "pulse_end")
    elif kind == TIMES and s.rule.times:
        s.window = recent(s.window, t, s.rule.times[1])
        s.levels = (False,) * len(s.rule.levels)
        settle_verdict(engine, s, t, False, True, "condition")
    elif kind == ON:
        activate(engine, s, t, "condition")
    elif kind == OFF:
        give_return(engine, s, t, "no_data" if s.no_data else "condition")
    elif kind == SEVERITY and s.drift is not None:
        set_severity(engine, s, highest_level(s), s.drift[1], t, "condition")
    elif kind == NO_DATA:
        enter_no_data(engine, s, t)
    elif kind == HOLD:
        s.hold_until = None
        if not s.suppressed:
            unmask(engine, s, "unsuppressed", t, "inhibit_hold")
    elif kind == SHELVE:
        s.shelved = s.until = None
        unmask(engine, s, "unshelved", t, "expired", force=True)
    elif kind == REALARM:
        s.repeats += 1
        if s.rule.ack_required:
            s.acked = False
        emit(engine, s, "realarmed", t, "realarm", annunciate=True)
        s.realarm_from = t
    elif kind == SCHEDULE:
        follow_schedule(engine, s, t)
