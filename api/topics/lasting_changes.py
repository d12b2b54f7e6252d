"""What later changes of an alarm do not repeat, though it still holds.

`api/static/alarms/lasting_changes.js` does the same for the changes that a client receives.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from operators.events import AlarmTransition

MASKS = {"shelved": ("E", "shelved"), "suppressed": ("F", "suppressed"),
         "out_of_service": ("G", "oos")}  # fmt: skip
"""The letter of each mask, and its flag: it may last below another one."""
NORMAL = ("A", "-")
KINDS = ("activated", "acked", *MASKS)
"""Events of which something holds beyond the next change."""
SAID = ("user", "comment", "reason")
REPEATED = ("message", "response", "limit", "unit", "metric")
"""What a change of the same occurrence says of the same rule."""

Changes = Mapping[str, AlarmTransition]
"""By kind: `activated`, `acked`, a mask; `commented` is the last that has a comment."""


def order(alarm: AlarmTransition) -> tuple[float, int]:
    """The place of a change among those of its alarm."""
    return alarm.recorded, alarm.seq


def completed(alarm: AlarmTransition, known: AlarmTransition) -> AlarmTransition:
    """The change with what it leaves out and the one before said of the same occurrence.

    A return names where its condition ends; what was crossed remains the alarm's limit.
    """
    if known.isa in NORMAL or (alarm.occ, alarm.rule_hash, alarm.page) != (
        known.occ,
        known.rule_hash,
        known.page,
    ):
        return alarm
    left_out = [name for name in REPEATED if getattr(alarm, name) is None]
    if alarm.event == "returned" and known.limit is not None:
        left_out.append("limit")
    return msgspec.structs.replace(alarm, **{name: getattr(known, name) for name in left_out})


def remembered(changes: Changes, change: AlarmTransition) -> Changes:
    """With a change of the alarm, in whichever order they come."""
    out = dict(changes)
    for kind in _kinds(change):
        known = out.get(kind)
        begins = kind == "activated" and known is not None and known.occ == change.occ
        if known is None or (order(change) < order(known)) == begins:
            out[kind] = change
    return out


def holding(changes: Changes, alarm: AlarmTransition) -> dict[str, AlarmTransition]:
    """Those that still hold of an alarm that is as this change left it."""
    return {kind: change for kind, change in changes.items() if _holds(kind, change, alarm)}


def with_lasting(
    values: dict[str, Any], alarm: AlarmTransition, changes: Changes
) -> dict[str, Any]:
    """The plain values of an alarm's last change, with what still holds of earlier ones.

    `lasting` has them by kind; `until`, `since` and `first_value` are in their places. A comment is
    told only where the alarm is on the page on which it was made.
    """
    held = holding(changes, alarm)
    begun = held.pop("activated", alarm)
    shelved = held.get("shelved", alarm)
    early: dict[str, Any] = {"until": shelved.until}
    if begun is not alarm:
        early |= {"since": begun.time, "first_value": begun.value}
    values = {name: value for name, value in early.items() if value is not None} | values
    if held:
        values["lasting"] = {kind: _said(change, alarm) for kind, change in held.items()}
    return values


def _kinds(change: AlarmTransition) -> list[str]:
    kinds = [change.event] if change.event in KINDS else []
    if change.until is not None and "shelved" not in kinds:
        kinds.append("shelved")
    return [*kinds, "commented"] if change.comment else kinds


def _holds(kind: str, change: AlarmTransition, alarm: AlarmTransition) -> bool:
    flags = {flag.partition(":")[0] for flag in alarm.flags}
    if kind in MASKS:
        letter, flag = MASKS[kind]
        return alarm.isa == letter or flag in flags
    unacked = alarm.isa in "BD" or "unacked" in flags
    if change.occ != alarm.occ or alarm.isa in NORMAL or (kind == "acked" and unacked):
        return False
    if kind == "commented":
        return change.page == alarm.page
    return kind != "activated" or unacked or alarm.isa == "C" or "active" in flags


def _said(change: AlarmTransition, alarm: AlarmTransition) -> dict[str, Any]:
    names = SAID if change.page == alarm.page else ()
    said = {name: getattr(change, name) for name in (*names, "until")}
    return {"time": change.time, **{n: value for n, value in said.items() if value is not None}}
