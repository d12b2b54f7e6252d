"""Tells people: groups annunciated transitions, repeats them until acknowledged, and holds back floods.

One group for each value of the rule's `group_by` labels, on the wall clock. State machines are untouched by it.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from operators.alarms.rule import Rule, seconds
from operators.alarms.state import State
from operators.alarms.transition import Transition

Group = dict[str, Any]
MOST_ACTS = 1000
"""So many annunciations are remembered for a limit of floods that a rule may get later."""


class Notifier:
    """Consumes transitions through `see`, time through `tick`; hands notifications to `on_send`.

    A notification is {at, kind, group, firing, resolved}; kind is first, update, repeat, flood_on or flood_off.
    Delivered at least once, with the key (group, at, kind).
    """

    def __init__(self) -> None:
        self.on_send: Callable[[dict[str, Any]], None] = lambda notification: None
        self._groups: dict[str, Group] = {}

    def see(self, state: State, transition: Transition) -> None:
        """Take note of a transition."""
        rule = state.rule
        if rule.group_by is None:
            return
        group, now = self._group(rule, transition.subject), transition.recorded
        name = f"{transition.rule}/{transition.subject}"
        member = group["members"].get(name)
        acked = "unacked" not in transition.flags
        if transition.annunciate:
            told = bool(member and member["told"])
            group["members"][name] = {"state": "firing", "told": told, "acked": acked}
            if not self._count_flood(group, now):
                _plan(group, now)
        elif member is None:
            return
        elif transition.event in ("returned", "removed", "disabled"):
            if member["told"]:
                member["state"] = "resolved"
                _plan(group, now)
            else:
                _forget(group, name)
        else:
            member["acked"] = acked
            self._follow_mask(group, name, member, state.masked)

    @staticmethod
    def _follow_mask(group: Group, name: str, member: dict[str, Any], masked: bool) -> None:
        if masked and not member["told"]:
            _forget(group, name)
        elif masked and member["state"] == "firing":
            member["state"] = "muted"
        elif not masked and member["state"] == "muted":
            member["state"] = "firing"

    def _group(self, rule: Rule, subject: str) -> Group:
        labels = {**rule.labels, "rule": rule.id, "subject": subject}
        key = json.dumps([[name, labels.get(name, "")] for name in rule.group_by or ()])
        group = self._groups.get(key)
        if group is None:
            group = {"key": key, "members": {}, "due": None, "last": None, "acts": [], "flood": False}
            self._groups[key] = group
        flood = rule.flood and {"limit": rule.flood["limit"], "window": seconds(rule.flood["window"])}
        group["cfg"] = {
            "wait": rule.group_wait, "interval": rule.group_interval, "repeat": rule.repeat, "flood": flood,
        }  # fmt: skip
        return group

    def _count_flood(self, group: Group, now: float) -> bool:
        """Whether this annunciation opened a flood (which is told at once)."""
        flood = group["cfg"]["flood"]
        if not flood:
            group["acts"] = [*group["acts"], now][-MOST_ACTS:]
            return False
        group["acts"] = [act for act in (*group["acts"], now) if act > now - flood["window"]]
        if group["flood"] or len(group["acts"]) < flood["limit"]:
            return False
        group["flood"], group["due"] = True, now
        self._send(group, now, "flood_on")
        return True

    def tick(self, now: float) -> None:
        """Send what is due at `now`."""
        for group in self._groups.values():
            while (due := _next_send(group, now)) is not None and due[0] <= now:
                at, kind = due
                flood = group["cfg"]["flood"]
                if flood and group["flood"]:
                    group["acts"] = [act for act in group["acts"] if act > at - flood["window"]]
                    if len(group["acts"]) < flood["limit"] / 2:
                        group["flood"], kind = False, "flood_off"
                self._send(group, at, kind)

    def next_due(self) -> float | None:
        """When `tick` has something to send, if nothing else happens."""
        return min((due[0] for group in self._groups.values() if (due := _next_send(group, -math.inf))), default=None)

    def _send(self, group: Group, now: float, kind: str) -> None:
        members = group["members"]
        firing = sorted(name for name, member in members.items() if member["state"] == "firing")
        resolved = sorted(name for name, member in members.items() if member["state"] == "resolved")
        self.on_send(
            {"at": now, "kind": kind, "group": json.loads(group["key"]), "firing": firing, "resolved": resolved}
        )
        for name in resolved:
            del members[name]
        for member in members.values():
            member["told"] = True
        group["last"], group["due"] = (now if members else None), None

    def snapshot(self) -> dict[str, Any]:
        """The groups as plain data."""
        groups: dict[str, Any] = json.loads(json.dumps(self._groups))
        return groups

    def restore(self, data: Mapping[str, Any]) -> None:
        self._groups = json.loads(json.dumps(data))


def _next_send(group: Group, now: float) -> tuple[float, str] | None:
    """The next send and its kind: a planned one that is due goes first, whatever the repeat says."""
    due, last = group["due"], group["last"]
    if due is not None and due <= now:
        return due, "first" if last is None else "update"
    if last is not None and any(m["state"] == "firing" and not m["acked"] for m in group["members"].values()):
        repeat = last + group["cfg"]["repeat"]
        if due is None or repeat < due:
            return repeat, "repeat"
    return None if due is None else (due, "first" if last is None else "update")


def _forget(group: Group, name: str) -> None:
    del group["members"][name]
    if not group["members"] and group["last"] is None:
        group["due"] = None


def _plan(group: Group, now: float) -> None:
    config = group["cfg"]
    if group["last"] is None:
        due = now + config["wait"]
    else:
        due = max(now, group["last"] + (config["flood"]["window"] if group["flood"] else config["interval"]))
    group["due"] = due if group["due"] is None else min(group["due"], due)
