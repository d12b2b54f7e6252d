"""What a reading means: admission, limits with their bands, votes, and the phase that follows."""

import math
from typing import Any

from operators.alarms.engine.lifecycle import (
    activate,
    cancel_pending,
    enter_no_data,
    enter_phase,
    follow_severity,
    off_delay,
    start_return,
)
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Outlet, emit
from operators.model.phase import ACTIVE, NORMAL, PENDING, RECOVERING, next_phase, recent

MOST_POINTS = 1024
_NO_VALUE = (None, "unavailable", "unknown")


def admit(engine: Outlet, s: State, ts: float, id: str | None, at: float) -> float | None:
    """The instant at which a reading counts, or None where it is refused (and counted)."""
    if not s.enabled:
        return None
    refused = s.refusal(ts, id, at)
    if refused or ts < s.clock:
        engine.count(s, refused or "behind")
    return None if refused else max(ts, s.clock)


def take_reading(
    engine: Outlet,
    s: State,
    ts: float,
    id: str | None,
    value: Any,
    quality: str,
    unit: str | None,
    t: float,
) -> bool:
    """Apply an admitted reading at instant `t`. False where it was no good data."""
    rule = s.rule
    s.ids = (
        ((*s.ids, id) if ts == s.last_ts else (id,))
        if id is not None
        else (s.ids if ts == s.last_ts else ())
    )
    s.last_ts = ts
    if quality == "stale":
        engine.count(s, "stale")
        return False
    why = _no_data_reason(s, value, quality, unit)
    s.bad = bool(why)
    if why:
        engine.count(s, "bad")
        if s.last_good is None:
            s.last_good = t
        if rule.expect is None and rule.no_data != "ignore" and not s.no_data:
            enter_no_data(engine, s, t, why)
        return False
    s.unit = rule.unit or s.unit or unit
    s.last_good, s.last_value, s.evidence = t, value, (id, ts)
    if s.no_data:
        s.no_data = False
        emit(engine, s, "data_back", t, "data")
    if rule.window:
        kept = tuple(point for point in s.points if ts - rule.window <= point[0] < ts)
        s.points = (*kept, (ts, value))[-MOST_POINTS:]
    verdict = judge(s, value)
    if verdict is None:
        return True
    breach, normal = vote(s, t, *verdict)
    if rule.pulse:
        if breach:
            s.pulse_at = t
        elif normal:
            s.pulse_at = None
    settle_verdict(engine, s, t, breach, normal, "condition")
    return True


def _no_data_reason(s: State, value: Any, quality: str, unit: str | None) -> str | None:
    if quality != "good" or value is None or (isinstance(value, str) and value in _NO_VALUE):
        return "unavailable"
    if s.rule.numeric and (isinstance(value, (bool, str)) or not math.isfinite(value)):
        return "not_a_number"
    if isinstance(value, float) and not math.isfinite(value):
        return "not_a_number"
    if unit and (s.rule.unit or s.unit) not in (None, unit):
        return "unit"
    return None


def judge(s: State, value: Any) -> tuple[bool, bool] | None:
    """(breach, normal) over all levels, with the memory of each; None if it cannot be judged."""
    levels = s.rule.levels
    if not levels:
        return False, True
    rate = None
    if s.points:
        (first, low), (last, high) = s.points[0], s.points[-1]
        rate = (high - low) / (last - first) if last > first else None
    keeps = s.phase in ("active", "recovering") and len(s.levels) == len(levels)
    any_breach, all_normal, memory = False, True, []
    by_vote = s.rule.n_of_m or s.rule.times or s.rule.in_a_row
    for n, level in enumerate(levels):
        verdict = level.verdict(value, rate)
        if verdict is None:
            return None
        breach, normal = verdict
        any_breach |= breach
        all_normal &= normal
        memory.append(breach or (not (normal and not by_vote) and keeps and s.levels[n]))
    s.levels = tuple(memory)
    return any_breach, all_normal


def vote(s: State, t: float, breach: bool, normal: bool) -> tuple[bool, bool]:
    """Whether n of the last m good readings, or n in a span, breach; else the reading's verdict."""
    if s.rule.in_a_row:
        breach, normal = in_a_row(s, *s.rule.in_a_row, breach, normal)
        if s.run <= -s.rule.in_a_row[1] and s.rule.in_a_row[1] > 1:
            s.window = ()
    if s.rule.n_of_m:
        n, m = s.rule.n_of_m
        s.window = (*s.window, breach)[-m:]
        breach = sum(s.window) >= n
    elif s.rule.times:
        n, span = s.rule.times
        hits = recent(s.window, t, span)
        s.window = (*hits, t)[-n:] if breach else hits
        breach = len(s.window) >= n
        return breach, not breach
    else:
        return breach, normal
    return breach, normal and not breach


def in_a_row(s: State, begin: int, end: int, breach: bool, normal: bool) -> tuple[bool, bool]:
    """Return the verdict of a run of readings; in between the alarm stays as it is."""
    on = s.phase in (ACTIVE, RECOVERING)
    if breach:
        s.run = max(s.run, 0) + 1
    else:
        s.run = min(s.run, 0) - 1 if normal and on else 0
    return breach and (on or s.run >= begin), normal and (not on or s.run <= -end)


def settle_verdict(
    engine: Outlet, s: State, t: float, breach: bool, normal: bool, reason: str
) -> None:
    """Move between the phases as the verdict asks."""
    was = s.phase
    phase = next_phase(was, breach, normal, s.rule.on_delay, off_delay(s))
    if was in (NORMAL, PENDING):
        if phase == was:
            return
        if phase == ACTIVE:
            activate(engine, s, t, reason)
        elif phase == PENDING:
            enter_phase(engine, s, PENDING, t, PENDING, t, reason)
        else:
            cancel_pending(engine, s, t, reason)
    elif phase == ACTIVE:
        if was == RECOVERING:
            enter_phase(engine, s, ACTIVE, t, "resumed", t, reason)
        follow_severity(engine, s, t, reason)
    elif was == ACTIVE:
        start_return(engine, s, t, reason)
