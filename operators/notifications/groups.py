"""Notifications: groups alarms, repeats them until acknowledged, holds back floods.

There is one group for each value of the rule's `group_by` labels, on the wall clock. State machines
are untouched by it.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

Group = dict[str, Any]
Member = dict[str, Any]
"""One alarm of a group: its `state` (firing, muted, resolved), whether it was notified (`told`) and
`acked`, `since` when, and `about`, which belongs to who feeds the notifier."""
Terms = dict[str, Any]
"""How a group is notified: `wait`, `interval`, `repeat` in seconds, and `flood`: {limit, window} or
None.
"""
MOST_ACTS = 1000
"""So many annunciations are remembered for a limit of floods that a rule may get later."""


class Notifier:
    """Takes alarms by `take` and time by `tick`; hands notifications to `on_send`.

    A notification is {at, kind, group, firing, resolved}; kind is first, update, repeat, flood_on
    or flood_off. With it go the members it names. Delivered at least once, with the key (group, at,
    kind).
    """

    def __init__(self) -> None:
        self.on_send: Callable[[dict[str, Any], Mapping[str, Member]], None] = (
            lambda notification, members: None
        )
        self._groups: dict[str, Group] = {}

    def take(
        self, key: list[list[str]], terms: Terms, name: str, event: str, now: float, *,
        annunciate: bool, acked: bool,
        masked: bool, about: Any = None,
    ) -> None:  # fmt: skip
        """Take note of what happened to the member `name` of the group `key` at `now`."""
        group = self._group(json.dumps(key), terms)
        member = group["members"].get(name)
        if annunciate:
            since = member["since"] if member and member["state"] != "resolved" else now
            notified = bool(member and member["told"])
            group["members"][name] = {
                "state": "firing",
                "told": notified,
                "acked": acked,
                "since": since,
                "about": about,
            }
            if not self._count_flood(group, now):
                _plan(group, now)
        elif member is None:
            return
        elif event in ("returned", "removed", "disabled"):
            if member["told"]:
                member["state"], member["about"] = "resolved", about
                _plan(group, now)
            else:
                _forget(group, name)
        else:
            member["acked"], member["about"] = acked, about
            self._follow_mask(group, name, member, masked)

    @staticmethod
    def _follow_mask(group: Group, name: str, member: Member, masked: bool) -> None:
        if masked and not member["told"]:
            _forget(group, name)
        elif masked and member["state"] == "firing":
            member["state"] = "muted"
        elif not masked and member["state"] == "muted":
            member["state"] = "firing"

    def _group(self, key: str, terms: Terms) -> Group:
        group = self._groups.get(key)
        if group is None:
            group = {
                "key": key,
                "members": {},
                "due": None,
                "last": None,
                "acts": [],
                "flood": False,
            }
            self._groups[key] = group
        group["cfg"] = terms
        return group

    def _count_flood(self, group: Group, now: float) -> bool:
        """Whether this annunciation opened a flood (which is notified at once)."""
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
        return min(
            (due[0] for group in self._groups.values() if (due := _next_send(group, -math.inf))),
            default=None,
        )

    def _send(self, group: Group, now: float, kind: str) -> None:
        members = group["members"]
        firing = sorted(name for name, member in members.items() if member["state"] == "firing")
        resolved = sorted(name for name, member in members.items() if member["state"] == "resolved")
        notification = {
            "at": now,
            "kind": kind,
            "group": json.loads(group["key"]),
            "firing": firing,
            "resolved": resolved,
        }
        self.on_send(notification, {name: members[name] for name in (*firing, *resolved)})
        for name in resolved:
            del members[name]
        for member in members.values():
            member["told"] = True
        group["last"], group["due"] = (now if members else None), None

    def adopt(self, terms: Terms) -> None:
        """Tell all groups under new terms from now on."""
        for group in self._groups.values():
            group["cfg"] = terms

    def free(self, now: float) -> None:
        """Forget groups that are over and whose annunciations no longer count for a flood."""
        for key, group in list(self._groups.items()):
            flood = group["cfg"]["flood"]
            over = not group["members"] and group["due"] is None and not group["flood"]
            if over and (not flood or all(act <= now - flood["window"] for act in group["acts"])):
                del self._groups[key]

    def snapshot(self) -> dict[str, Any]:
        """The groups as plain data."""
        groups: dict[str, Any] = json.loads(json.dumps(self._groups))
        return groups

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take back what `snapshot` returned."""
        self._groups = json.loads(json.dumps(data))


def _next_send(group: Group, now: float) -> tuple[float, str] | None:
    """The next send and its kind; a planned one that is due goes before a repeat."""
    due, last, repeat = group["due"], group["last"], group["cfg"]["repeat"]
    planned = None if due is None else (due, "first" if last is None else "update")
    again = None if last is None or repeat is None else last + repeat
    if again is None or (due is not None and (due <= now or due <= again)):
        return planned
    waits = any(
        member["state"] == "firing" and not member["acked"] for member in group["members"].values()
    )
    return (again, "repeat") if waits else planned


def _forget(group: Group, name: str) -> None:
    del group["members"][name]
    if not group["members"] and group["last"] is None:
        group["due"] = None


def _plan(group: Group, now: float) -> None:
    config = group["cfg"]
    if group["last"] is None:
        due = now + config["wait"]
    else:
        due = max(
            now,
            group["last"] + (config["flood"]["window"] if group["flood"] else config["interval"]),
        )
    group["due"] = due if group["due"] is None else min(group["due"], due)
