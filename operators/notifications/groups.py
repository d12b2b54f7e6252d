"""Notifications: groups alarms, repeats them until acknowledged, holds back floods.

Other sinks get alarms one by one; that for mails gathers them by itself
(`connectors.email.writer`). There is one group for each value of the rule's `group_by` labels, on
the wall clock. State machines are untouched by it.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Group = dict[str, Any]
Member = dict[str, Any]
"""One alarm of a group: its `state` (firing, muted, resolved), whether it was notified (`told`),
whether there is `news` of it and it is `acked`, `since` when, and `about`, which belongs to who
feeds the notifier."""
Terms = dict[str, Any]
"""How a group is notified: `wait`, `interval`, `repeat` in seconds, and `flood`: {limit, window} or
None. Changes to a group that was told before `gather` for so long, at once without.
"""
MOST_ACTS = 1000
"""So many annunciations are remembered for a limit of floods that a rule may get later."""
TOGETHER = 1.0
"""What happens to a told group within so many seconds is told together."""
PUT_OFF = 10.0
"""Seconds for which one change after the other puts off a notification at most."""
ENDS = ("returned", "removed", "disabled")


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
        self._places: dict[str, str] = {}

    def take(
        self, key: list[list[str]], terms: Terms, name: str, event: str, now: float, *,
        annunciate: bool, acked: bool,
        masked: bool, about: Any = None, since: float | None = None,
    ) -> None:  # fmt: skip
        """Take note of what happened to the member `name` of the group `key` at `now`.

        It was annunciated `since`, where that was earlier.
        """
        place = self._places.get(name, "") if event in ENDS else json.dumps(key)
        group = self._group(place or json.dumps(key), terms)
        member = self._moved(name, group, now)
        if annunciate:
            self._annunciated(group, name, member, now, acked, about)
            if since is not None:
                group["members"][name]["since"] = since
        elif member is None:
            return
        elif event in ENDS:
            if member["state"] == "resolved" and group["cfg"].get("gather"):
                return  # its end waits to be told
            if member["told"]:
                member.update(state="resolved", about=about, news=True)
                _plan(group, now)
            else:
                self._forget(group, name)
        elif member["state"] != "resolved":
            member["acked"], member["about"] = acked, about
            if event == "acked":
                self._acknowledged(group, name, member)
            self._follow_mask(group, name, member, masked)

    def _annunciated(
        self, group: Group, name: str, member: Member | None, now: float, acked: bool, about: Any
    ) -> None:
        since = member["since"] if member and member["state"] != "resolved" else now
        group["members"][name] = {
            "state": "firing",
            "told": bool(member and member["told"]),
            "news": True,
            "acked": acked,
            "since": since,
            "about": about,
        }
        self._places[name] = group["key"]
        if not self._count_flood(group, now):
            _plan(group, now)

    def _moved(self, name: str, group: Group, now: float) -> Member | None:
        """The member, taken over from the group it was in if its fields have changed.

        One that is over there stays, until that group is told.
        """
        before = self._groups.get(self._places.get(name, ""))
        if before is None or before is group or name not in before["members"]:
            return group["members"].get(name)  # type: ignore[no-any-return]
        member: Member = before["members"][name]
        gathers = group["cfg"].get("gather")
        if member["state"] == "resolved" and gathers:
            return group["members"].get(name)  # type: ignore[no-any-return]
        due = before["due"]
        if member["told"] and (group["last"] is None or gathers):
            group["last"] = max(group["last"] or before["last"], before["last"])
        self._forget(before, name)
        if (known := group["members"].get(name)) is not None and known["told"]:
            member["told"] = True  # an end that waits here to be told
        group["members"][name], self._places[name] = member, group["key"]
        if member["news"] and due is not None and gathers:
            _plan(group, now)
            if group["last"] is None:
                group["due"] = min(group["due"], due)
        return member

    def _acknowledged(self, group: Group, name: str, member: Member) -> None:
        """Nobody needs to be told of what somebody has seen."""
        if member["state"] != "firing":
            return
        if member["told"]:
            member["news"] = False
            _drop_plan_without_news(group)
        else:
            self._forget(group, name)

    def _follow_mask(self, group: Group, name: str, member: Member, masked: bool) -> None:
        if name not in group["members"]:
            return
        if masked and not member["told"]:
            self._forget(group, name)
        elif masked and member["state"] == "firing":
            member["state"], member["news"] = "muted", False
            _drop_plan_without_news(group)
        elif not masked and member["state"] == "muted":
            member["state"] = "firing"

    def _forget(self, group: Group, name: str) -> None:
        self._leave(group, name)
        if not group["members"] and not group["flood"]:
            group["last"] = None
        _drop_plan_without_news(group)

    def _leave(self, group: Group, name: str) -> None:
        del group["members"][name]
        if self._places.get(name) == group["key"]:
            del self._places[name]

    def _group(self, key: str, terms: Terms) -> Group:
        group = self._groups.get(key)
        if group is None:
            group = {
                "key": key,
                "members": {},
                "due": None,
                "limit": None,
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
        if group["cfg"].get("gather"):
            group["opens"] = True  # with what else happens at this instant
        else:
            self._send(group, now, "flood_on")
        return True

    def members(self) -> Iterator[tuple[list[list[str]], Member]]:
        """Give all alarms in groups, each with the key of its group."""
        for group in self._groups.values():
            for member in group["members"].values():
                yield json.loads(group["key"]), member

    def knows(self, name: str, key: list[list[str]]) -> bool:
        """Whether an alarm stands in a group, or its end before waits to be told in this one."""
        standing = self._member(self._places.get(name, ""), name)
        if standing is not None and standing["state"] != "resolved":
            return True
        return self._member(json.dumps(key), name) is not None

    def _member(self, place: str, name: str) -> Member | None:
        group = self._groups.get(place)
        return group["members"].get(name) if group else None

    def tick(self, now: float) -> None:
        """Send what is due at `now`."""
        for group in list(self._groups.values()):
            while (due := _next_send(group, now)) is not None and due[0] <= now:
                at, kind = due
                flood = group["cfg"]["flood"]
                if group["flood"] and kind != "flood_on":
                    window = flood["window"] if flood else math.inf
                    group["acts"] = [act for act in group["acts"] if act > at - window]
                    few = not flood or len(group["acts"]) < flood["limit"] / 2
                    if few or kind == "flood_off":
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
            self._leave(group, name)
        for member in members.values():
            member["told"], member["news"] = True, False
        group["last"] = now if members or group["flood"] else None
        group["due"] = group["limit"] = None
        group["opens"] = False

    def adopt(self, terms: Terms) -> None:
        """Tell all groups under new terms from now on."""
        for group in self._groups.values():
            group["cfg"] = terms
            if group["flood"] and not terms["flood"]:
                group["flood"] = group["opens"] = False
                if group["due"] is None and any(one["news"] for one in group["members"].values()):
                    group["due"] = group["last"] + terms["interval"]

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
        """Take back what `snapshot` returned; earlier versions knew no `news` and no `limit`."""
        self._groups = json.loads(json.dumps(data))
        for key, group in self._groups.items():
            group.setdefault("limit", None)
            for name, member in group["members"].items():
                if member["state"] != "resolved" or name not in self._places:
                    self._places[name] = key
                is_new = group["due"] is not None and (
                    not member["told"] or member["state"] == "resolved"
                )
                member.setdefault("news", is_new)


def _next_send(group: Group, now: float) -> tuple[float, str] | None:
    """The next send and its kind; a planned one that is due goes before a repeat."""
    due, last, repeat = group["due"], group["last"], group["cfg"]["repeat"]
    if group.get("opens"):
        return due, "flood_on"
    planned = None if due is None else (due, "first" if last is None else "update")
    calm = _calm_at(group)
    if calm is not None and (planned is None or calm <= planned[0]):
        planned = (calm, "flood_off")
    again = None if last is None or repeat is None else last + repeat
    gathers = planned is not None and group["cfg"].get("gather")
    if again is None or gathers or (planned and (planned[0] <= now or planned[0] <= again)):
        return planned
    waits = any(
        member["state"] == "firing" and not member["acked"] for member in group["members"].values()
    )
    return (again, "repeat") if waits else planned


def _calm_at(group: Group) -> float | None:
    """When a flood is over if nothing else happens; None where there is none."""
    if not group["flood"] or group.get("opens"):
        return None
    flood, last = group["cfg"]["flood"], group["last"]
    if not flood:
        return float(last)
    few = math.ceil(flood["limit"] / 2) - 1  # so many annunciations are no flood any more
    acts = group["acts"]
    few_since = acts[-1] if acts and group["cfg"].get("gather") else last
    ends = acts[len(acts) - few - 1] + flood["window"] if len(acts) > few else few_since
    return float(max(ends, last))


def _drop_plan_without_news(group: Group) -> None:
    if not any(member["news"] for member in group["members"].values()):
        group["due"] = group["limit"] = None
        if group.get("opens"):
            group["opens"] = group["flood"] = False


def _plan(group: Group, now: float) -> None:
    """Plan to tell of a change: a new group after its wait, a told one also after the interval."""
    config, due, last = group["cfg"], group["due"], group["last"]
    gather = config.get("gather", 0.0)
    if group.get("opens"):
        return
    if last is None:
        group["due"] = min(now + config["wait"], math.inf if due is None else due)
        return
    if group["flood"]:
        wanted = max(now, last + config["flood"]["window"])
    else:
        wanted = max(now + gather, last + config["interval"])
    if due is None:
        group["due"], group["limit"] = wanted, wanted + PUT_OFF
    elif wanted < due:
        group["due"] = wanted
    elif gather and due < now + TOGETHER:
        group["due"] = min(now + TOGETHER, max(due, group["limit"] or due))
