"""People's commands to an alarm: acknowledge, shelve, take out of service, …."""

from collections.abc import Callable, Mapping
from typing import Any

from operators.alarms.engine.lifecycle import give_return, unmask
from operators.alarms.engine.revision import clear
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Outlet, emit
from operators.model.units import seconds

PERMISSIONS = {
    "ack": "alarm.ack", "unack": "alarm.ack", "comment": "alarm.comment", "shelve": "alarm.shelve",
    "unshelve": "alarm.shelve", "suppress": "alarm.suppress", "unsuppress": "alarm.suppress",
    "out_of_service": "alarm.service", "in_service": "alarm.service", "reset": "alarm.reset",
    "clear": "alarm.reset", "retire": "alarm.service",
}  # fmt: skip
"""Which permission each command needs."""

REFUSALS = (
    "unknown_command", "unknown_alarm", "forbidden", "comment_required", "disabled",
    "wrong_occurrence", "no_occurrence",
    "already_acked", "not_active", "ack_not_required", "not_acked", "already_shelved",
    "bad_duration", "shelve_too_long",
    "not_shelved", "already_suppressed", "inhibited_by_rule", "not_suppressed",
    "already_out_of_service",
    "not_out_of_service", "not_latched", "still_active",
)  # fmt: skip
"""Every word for why a command is refused."""

REMEMBERED_COMMANDS = 256


def obey(engine: Outlet, s: State, command: Mapping[str, Any], t: float) -> str | None:
    """Carry a command out at instant `t` of the wall clock; the error's word where it is refused.

    A command has `do`, and where they matter `id`, `user`, `granted`, `comment`, `occurrence`,
    `duration`, `oneshot`. One whose id was seen before has no effect.
    """
    id = command.get("id")
    if id is not None:
        if id in s.commands:
            engine.count(s, "duplicate")
            return None
        s.commands = (*s.commands, id)[-REMEMBERED_COMMANDS:]
    error = refusal(s, command)
    if error:
        engine.count(s, "rejected")
        return error
    _carry_out(engine, s, command, t)
    return None


def _carry_out(engine: Outlet, s: State, command: Mapping[str, Any], t: float) -> None:
    do = command["do"]
    who = {"user": command.get("user", "op"), "comment": command.get("comment")}
    if do == "ack":
        s.acked, s.acked_at = True, t
        if s.realarm_from is not None:
            s.realarm_from = t
        emit(engine, s, "acked", t, "command", **who)
    elif do == "unack":
        s.acked, s.acked_at = False, None
        emit(engine, s, "unacked", t, "command", annunciate=not s.masked, **who)
    elif do == "shelve":
        if command.get("oneshot"):
            s.shelved, s.until = (
                "oneshot",
                None if s.rule.max_shelve is None else t + s.rule.max_shelve,
            )
        else:
            s.shelved, s.until = "timed", t + seconds(command["duration"])
        emit(engine, s, "shelved", t, "command", until=s.until, **who)
    elif do == "unshelve":
        s.shelved = s.until = None
        unmask(engine, s, "unshelved", t, "command", **who)
    elif do == "suppress":
        was, s.manual = s.suppressed, True
        emit(engine, s, "commented" if was else "suppressed", t, "command", **who)
    elif do == "unsuppress":
        s.manual = False
        if s.suppressed:
            emit(engine, s, "commented", t, "command", **who)
        else:
            unmask(engine, s, "unsuppressed", t, "command", **who)
    elif do == "out_of_service":
        s.oos = True
        emit(engine, s, "out_of_service", t, "command", **who)
    elif do == "in_service":
        s.oos = False
        unmask(engine, s, "in_service", t, "command", **who)
    elif do == "clear":
        give_return(engine, s, t, "command", **who)
    elif do == "retire":
        clear(s)
        s.gone, s.enabled = True, s.rule.enabled
        emit(engine, s, "removed", t, "retired", **who)
    elif do == "reset":
        s.latched = False
        emit(engine, s, "reset", t, "command", **who)
    else:
        emit(engine, s, "commented", t, "command", **who)


def refusal(s: State, command: Mapping[str, Any]) -> str | None:
    """Why a command is refused, in one word; None where it is accepted."""
    do = command["do"]
    if do not in PERMISSIONS:
        return "unknown_command"
    if "granted" in command and PERMISSIONS[do] not in command["granted"]:
        return "forbidden"
    if do in {"comment", "retire"}:
        return None if command.get("comment") else "comment_required"
    if not s.enabled:
        return "disabled"
    if command.get("occurrence") is not None and command["occurrence"] != s.occ:
        return "wrong_occurrence"
    return _CHECKS[do](s, command)


def _first(*cases: tuple[bool, str]) -> str | None:
    return next((word for refused, word in cases if refused), None)


def _check_shelve(s: State, command: Mapping[str, Any]) -> str | None:
    if command.get("oneshot"):
        return "already_shelved" if s.shelved == "oneshot" else None
    try:
        duration = seconds(command.get("duration"))
    except ValueError:
        return "bad_duration"
    return _first(
        (duration is None or duration <= 0, "bad_duration"),
        (s.rule.max_shelve is not None and (duration or 0) > s.rule.max_shelve, "shelve_too_long"),
    )


_CHECKS: dict[str, Callable[[State, Mapping[str, Any]], str | None]] = {
    "ack": lambda s, c: _first((s.occ == 0, "no_occurrence"), (s.acked, "already_acked")),
    "unack": lambda s, c: _first(
        (not s.active, "not_active"),
        (not s.rule.ack_required, "ack_not_required"),
        (not s.acked, "not_acked"),
    ),
    "shelve": _check_shelve,
    "unshelve": lambda s, c: _first((not s.shelved, "not_shelved")),
    "suppress": lambda s, c: _first((s.manual, "already_suppressed")),
    "unsuppress": lambda s, c: _first(
        (not s.manual and s.suppressed, "inhibited_by_rule"), (not s.manual, "not_suppressed")
    ),
    "out_of_service": lambda s, c: _first(
        (s.oos, "already_out_of_service"), (not c.get("comment"), "comment_required")
    ),
    "in_service": lambda s, c: _first((not s.oos, "not_out_of_service")),
    "clear": lambda s, c: _first(
        (not s.active, "not_active"), (not c.get("comment"), "comment_required")
    ),
    "reset": lambda s, c: _first(
        (not s.latched, "not_latched"), (s.active, "still_active"), (not s.acked, "not_acked")
    ),
}
