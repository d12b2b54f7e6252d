"""Changed rules: an edit acts on the alarms under it from its own instant on, never before."""

from operators.alarms.engine.evaluate import judge, settle_verdict, vote
from operators.alarms.engine.lifecycle import cancel_pending, give_return
from operators.alarms.engine.rule import Rule
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Outlet, emit


def change_rule(engine: Outlet, s: State, new: Rule, t: float) -> None:
    """Put the alarm under rule `new` at instant `t`."""
    old, s.rule = s.rule, new
    s.floor, s.wall_floor = t, s.wall
    if old.enabled != new.enabled:
        _switch(engine, s, new.enabled, t)
        return
    if s.isa() not in ("A", "-"):
        emit(engine, s, "rule_changed", t, "rule_changed")
    if not s.enabled:
        return
    if old.shape != new.shape:
        _forget_values(engine, s, t)
    elif old.limits != new.limits or old.severities != new.severities:
        _judge_again(engine, s, old, t)


def _switch(engine: Outlet, s: State, enabled: bool, t: float) -> None:
    s.enabled = enabled
    if enabled:
        s.last_good = t
        emit(engine, s, "enabled", t, "rule_changed")
        return
    if s.active:
        s.returned_at = t
    s.active, s.acked, s.latched, s.no_data, s.flapping = False, True, False, False, False
    s.phase, s.since, s.drift, s.pulse_at, s.hold_until, s.realarm_from = (
        "normal",
        None,
        None,
        None,
        None,
        None,
    )
    s.window = s.points = ()
    emit(engine, s, "disabled", t, "rule_changed")


def _forget_values(engine: Outlet, s: State, t: float) -> None:
    s.window = s.points = ()
    s.last_value = s.unit = s.seen_unit = s.pulse_at = s.drift = None
    if s.phase == "pending":
        cancel_pending(engine, s, t, "rule_changed")
    elif s.active:
        give_return(engine, s, t, "rule_changed")
    s.levels = (False,) * len(s.rule.levels)


def _judge_again(engine: Outlet, s: State, old: Rule, t: float) -> None:
    new = s.rule
    moved = old.limits != new.limits
    if moved:
        s.window = ()
    if len(s.levels) != len(new.levels):
        s.levels = (False,) * len(new.levels)
    if s.last_value is None or s.no_data:
        return
    verdict = judge(s, s.last_value)
    if verdict is None:
        return
    breach, normal = vote(s, t, *verdict) if moved else verdict
    if moved and s.phase == "pending" and breach:
        s.since = t
    if moved or s.phase in ("active", "recovering"):
        settle_verdict(engine, s, t, breach, normal, "rule_changed")
