"""The life of an occurrence: activation, return, severity, silence, and the end of masking."""

from typing import Any

from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Outlet, emit
from operators.model.priority import RANK


def enter_phase(
    engine: Outlet, s: State, phase: str, since: float | None, event: str, at: float, reason: str
) -> None:
    """Change phase without changing flags; `event` is shown only where the rule asks for it."""
    s.phase, s.since = phase, since
    if s.rule.emit_pending:
        emit(engine, s, event, at, reason)


def cancel_pending(engine: Outlet, s: State, t: float, reason: str) -> None:
    """Return a pending alarm to normal."""
    enter_phase(engine, s, "normal", None, "cancelled", t, reason)


def highest_level(s: State) -> str:
    """Severity of the highest level that is on, or the lowest there is."""
    severity = s.rule.base_severity
    for level, on in zip(s.rule.levels, s.levels, strict=False):
        if on:
            severity = level.severity
    return severity


def activate(engine: Outlet, s: State, t: float, reason: str, no_data: bool = False) -> None:
    """Begin a new occurrence; an older one that waits for its acknowledgement is superseded."""
    s.rule = rule = engine.rule_when_raised(s)
    s.occ += 1
    s.active, s.phase, s.since = True, "active", t
    s.acked, s.latched = not rule.ack_required, rule.latch
    s.annunciated, s.realarm_from, s.repeats, s.drift = False, None, 0, None
    s.told = ()
    s.activated_at, s.returned_at, s.acked_at = t, None, None
    s.first_value = s.last_value
    s.run = 0
    s.severity = rule.no_data_severity if no_data else highest_level(s)
    if rule.flap:
        most, window, _ = rule.flap
        recent = (*(a for a in s.activations if a > t - window), t)
        s.flapping = len(recent) >= most
        s.activations = recent[-most:]
    emit(engine, s, "activated", t, reason, annunciate=not s.masked)


def off_delay(s: State) -> float:
    """Seconds that the condition must be over before the alarm returns; more if it chatters."""
    own: float = s.rule.off_delay
    return max(own, s.rule.flap[2]) if s.flapping and s.rule.flap else own


def start_return(engine: Outlet, s: State, t: float, reason: str) -> None:
    """Begin to wait for the return, or return at once if there is no delay."""
    if off_delay(s) <= 0:
        give_return(engine, s, t, reason)
    else:
        s.drift = None
        enter_phase(engine, s, "recovering", t, "recovering", t, reason)


def give_return(engine: Outlet, s: State, t: float, reason: str, **extra: Any) -> None:
    """Return the alarm: its condition is over, or a person says so."""
    s.active, s.phase, s.since, s.drift, s.flapping = False, "normal", None, None, False
    s.returned_at, s.realarm_from = t, None
    s.levels = (False,) * len(s.rule.levels)
    s.acked |= s.rule.ack_optional
    s.run = 0
    emit(engine, s, "returned", t, reason, **extra)
    if s.shelved == "oneshot":
        s.shelved = s.until = None
        unmask(engine, s, "unshelved", t, "oneshot_done")


def unmask(
    engine: Outlet, s: State, event: str, t: float, reason: str, force: bool = False, **extra: Any
) -> None:
    """End a mask: what is still active is annunciated, what came and went counts as seen."""
    annunciate = False
    if not s.masked:
        if s.active:
            if force and s.rule.ack_required:
                s.acked = False
            annunciate = force or not s.acked or not (s.rule.ack_required or s.annunciated)
        elif not s.acked and not s.annunciated:
            s.acked = True
    emit(engine, s, event, t, reason, annunciate=annunciate, **extra)
    if s.active and not s.masked:
        s.realarm_from = s.wall


def follow_severity(engine: Outlet, s: State, t: float, reason: str) -> None:
    """Take the severity of the highest level on, after its delay."""
    now = highest_level(s)
    if now == s.severity:
        s.drift = None
        return
    up = RANK[now] > RANK[s.severity or now]
    if s.drift is None or s.drift[1] != up:
        s.drift = (t, up)
    if (s.rule.escalate_after if up else s.rule.deescalate_after) <= 0:
        set_severity(engine, s, now, up, t, reason)


def set_severity(engine: Outlet, s: State, now: str, up: bool, t: float, reason: str) -> None:
    """Escalate or de-escalate the alarm."""
    s.severity, s.drift = now, None
    if not up:
        emit(engine, s, "deescalated", t, reason)
        return
    if s.rule.ack_required:
        s.acked = False
    if s.shelved and s.rule.unshelve_on_escalate:
        s.shelved = s.until = None
    emit(engine, s, "escalated", t, reason, annunciate=not s.masked)


def enter_no_data(engine: Outlet, s: State, t: float, reason: str = "no_data") -> None:
    """Silence, or data that are none: act as the rule's policy says."""
    policy, phase = s.rule.no_data, s.phase
    s.no_data, s.window, s.points, s.pulse_at, s.drift = True, (), (), None, None
    s.run = 0
    if policy == "alarm":
        if phase in ("normal", "pending"):
            activate(engine, s, t, reason, no_data=True)
        else:
            s.phase, s.since = "active", t
            emit(engine, s, "no_data", t, reason)
        return
    emit(engine, s, "no_data", t, reason)
    if phase == "pending":
        cancel_pending(engine, s, t, reason)
    elif policy == "ok" and phase == "active":
        start_return(engine, s, t, "no_data")
    elif policy == "keep" and phase == "recovering":
        enter_phase(engine, s, "active", t, "resumed", t, reason)
