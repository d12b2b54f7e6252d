"""A changed definition: what it says of an alarm acts at its own instant, on what stands, too.

`rule_change` leaves some of a changed rule for the next occurrence or the next reading. Here flags
and phase become what they would be had the alarm always had the new rule and got the same last
reading, but for what people did.
"""

from collections.abc import Iterable
from typing import Any

from operators.alarms.engine.evaluate import in_a_row, judge, settle_verdict
from operators.alarms.engine.lifecycle import (
    activate,
    enter_no_data,
    follow_severity,
    give_return,
    highest_level,
    off_delay,
    set_severity,
    unmask,
)
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.rule_change import change_rule
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Outlet, emit
from operators.model.phase import PENDING, RECOVERING, recent
from operators.model.units import UNITS, convert

REASON = "rule_changed"


def revise(engine: Outlet, s: State, new: Rule, t: float) -> None:
    """Put an alarm under a changed rule at instant `t`."""
    old = s.rule
    if old.enabled != new.enabled or not s.enabled:
        change_rule(engine, s, new, t)
        return
    s.rule, s.floor, s.wall_floor = new, t, s.wall
    _follow_people(s, old)
    _follow_latch(s)
    if s.isa() != "A":
        emit(engine, s, REASON, t, REASON)
    elif s.last_flags:
        emit(engine, s, "acked" if "unacked" in s.last_flags else "reset", t, REASON)
    if _condition(old) != _condition(new):
        _judge_again(engine, s, old, t)
    elif s.active and not new.levels:
        follow_severity(engine, s, t, REASON)


def _follow_people(s: State, old: Rule) -> None:
    """What people may do under the new rule bounds what they did under the old one."""
    new = s.rule
    if not new.ack_required or (new.ack_optional and not s.active):
        s.acked = True
    if s.until is not None and new.max_shelve is not None and new.max_shelve != old.max_shelve:
        s.until = min(s.until, s.wall + new.max_shelve)
    if new.flap is None:
        s.flapping = False
    elif s.active and old.flap is not None and old.flap != new.flap and s.activations:
        most, window, _ = new.flap
        s.flapping = sum(a > s.activations[-1] - window for a in s.activations) >= most


def _follow_latch(s: State) -> None:
    """A latch holds what stands; without one nothing is held."""
    if s.active or not s.rule.latch:
        s.latched = s.active and s.rule.latch


def _condition(rule: Rule) -> tuple[Any, ...]:
    return (
        rule.shape, rule.limits, rule.severities, rule.no_data_severity, rule.expect, rule.no_data,
        rule.pulse,
    )  # fmt: skip


def _judge_again(engine: Outlet, s: State, old: Rule, t: float) -> None:
    """Judge the last reading by the new condition."""
    new = s.rule
    moved = old.shape != new.shape or old.limits != new.limits
    if old.shape != new.shape or len(s.levels) != len(new.levels):
        s.levels = (False,) * len(new.levels)
    if old.shape != new.shape or old.pulse != new.pulse:
        s.pulse_at = s.drift = None
        s.last_value, s.unit = _last_value(s)
        if s.evidence == (s.ids[-1] if s.ids else None, s.last_ts):  # data if it fits the rule
            s.bad = s.last_value is None and s.slot.value is not None
        if s.phase == PENDING:
            s.since = t
    had_none, has_none = s.no_data, _has_no_data(s, t)
    s.no_data = had_none and has_none
    if had_none and not has_none:
        emit(engine, s, "data_back", t, REASON)
    breach, normal = _verdict(s, old, t)
    if s.no_data and new.no_data == "alarm" and not s.active:
        activate(engine, s, t, REASON, no_data=not any(s.levels))
        return
    was, drift = s.phase, s.drift
    settle_verdict(engine, s, t, breach, normal, REASON)
    if s.phase in (PENDING, RECOVERING) and (s.phase != was or moved):
        s.since = _since(s, t)
    if s.active and (s.no_data or not new.levels):
        follow_severity(engine, s, t, REASON)
    if s.drift is not None and s.drift != drift:
        s.drift = (t if s.last_good is None else s.last_good, s.drift[1])
    if has_none:
        _end_drift(engine, s, t)
    if has_none and not had_none:
        _lose_data(engine, s, t)


def _end_drift(engine: Outlet, s: State, t: float) -> None:
    """A change of severity waits only while there are data."""
    if s.drift is None:
        return
    since, up = s.drift
    delay = s.rule.escalate_after if up else s.rule.deescalate_after
    s.drift = None
    if since + delay <= _without_data_since(s):
        set_severity(engine, s, highest_level(s), up, t, REASON)


def _without_data_since(s: State) -> float:
    if s.rule.expect is None or s.last_good is None:
        return s.last_ts
    return s.last_good + float(s.rule.expect)


def _lose_data(engine: Outlet, s: State, t: float) -> None:
    """Since when there are no data is by the new rule in the past: delays ran until then."""
    since = _without_data_since(s)
    if s.phase == PENDING and (s.since or 0.0) + s.rule.on_delay <= since:
        activate(engine, s, t, REASON)
    elif s.phase == RECOVERING and (s.since or 0.0) + off_delay(s) <= since:
        give_return(engine, s, t, REASON)
    enter_no_data(engine, s, t, REASON)
    if s.phase == RECOVERING:
        s.since = since


def _since(s: State, t: float) -> float:
    """Since when the last reading, or there being none, has said so."""
    if s.last_good is None:
        return t
    return s.last_good + float(s.rule.expect or 0.0 if s.no_data else 0.0)


def _has_no_data(s: State, t: float) -> bool:
    """Whether by the new rule there are no data: silence for its span, or a bad last reading."""
    new = s.rule
    if s.last_good is None or new.no_data == "ignore":
        return False
    if new.expect is None:
        return s.bad or (s.no_data and s.last_ts > s.last_good)
    return bool(s.last_good + new.expect <= t)


def _last_value(s: State) -> tuple[Any, str | None]:
    """The last value as received, in the unit of the new rule; None if it is another kind."""
    new, value, seen = s.rule, s.slot.value, s.seen_unit
    if new.numeric and isinstance(value, (bool, str)):
        value = None
    if value is None or seen is None or new.unit in (None, seen) or not new.levels:
        return value, new.unit or seen
    assert new.unit is not None
    if seen in UNITS and new.unit in UNITS and UNITS[seen][0] == UNITS[new.unit][0]:
        return convert(value, seen, new.unit), new.unit
    return None, new.unit


def _verdict(s: State, old: Rule, t: float) -> tuple[bool, bool]:
    """(breach, normal) of the last reading, or of there being none."""
    new = s.rule
    judged = None if s.last_value is None else judge(s, s.last_value)
    if s.no_data and new.no_data != "keep":
        return new.no_data == "alarm", new.no_data == "ok"
    if s.last_value is None:
        return False, True
    if new.pulse:
        on = s.last_good is not None and s.last_good + new.pulse > t
        s.pulse_at = s.last_good if on else None
        s.levels = (on,) * len(new.levels)
        return on, not on
    breach, normal = judged or (False, False)
    if s.no_data and new.expect is not None:  # a delay ran only while there were data
        breach &= new.on_delay <= new.expect or s.active
        normal &= off_delay(s) <= new.expect
    if new.in_a_row:
        is_same = old.in_a_row and _limits(old) == _limits(new)
        s.run = s.run - (s.run > 0) + (s.run < 0) if is_same else 0
        breach, normal = in_a_row(s, *new.in_a_row, breach, normal)
    if new.times is None:
        s.window = ()
        return breach, normal
    n, span = new.times
    at = t if s.last_good is None else s.last_good
    if _limits(old) != _limits(new):
        s.window = (at,) if breach else ()
    s.window = recent(s.window, at, span)[-n:]
    breach = len(s.window) >= n
    return breach, not breach


def _limits(rule: Rule) -> list[tuple[Any, ...]]:
    return [(level.kind, level.limit, level.clear) for level in rule.levels]


def remask(
    engine: Outlet, s: State, inhibitors: Iterable[str], hold_until: float | None, t: float
) -> None:
    """Hide an alarm by these sources alone, and until then; only the edge is shown."""
    was = s.suppressed
    s.inhibitors = tuple(sorted(inhibitors))
    s.hold_until = None if s.inhibitors else hold_until
    if s.suppressed and not was:
        emit(engine, s, "suppressed", t, REASON)
    elif was and not s.suppressed:
        unmask(engine, s, "unsuppressed", t, REASON)


def clear(s: State) -> None:
    """Make an alarm as normal as one that was never raised."""
    s.active, s.acked, s.phase, s.since, s.drift = False, True, "normal", None, None
    s.manual = s.oos = s.latched = s.no_data = s.flapping = False
    s.shelved = s.until = s.hold_until = s.pulse_at = s.realarm_from = s.edge = None
    s.inhibitors, s.window, s.levels = (), (), (False,) * len(s.rule.levels)


def end(engine: Outlet, s: State, t: float) -> None:
    """End an alarm that is judged no longer; one that people know of awaits its acknowledgement."""
    if s.gone:
        return
    was_active, waits = s.active, s.annunciated and not s.acked
    clear(s)
    s.gone, s.acked, s.last_value, s.last_good = True, not waits, None, None
    if was_active:
        s.returned_at = t
    if s.last_flags:
        emit(engine, s, "removed", t, "not_watched")
