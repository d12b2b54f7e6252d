"""Which subjects other alarms hide at present."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import Field

from operators.alarms.engine.state import About, Slot
from operators.component import Spec
from operators.events import AlarmTransition, Event

Cell = Callable[[str, str, Mapping[str, str]], str | None]
"""What a column says of a subject with these labels."""


class SuppressedBy(Spec):
    """An alarm that hides those of other subjects."""

    alarm: str = Field(description="The alarm that hides.", examples=["gateway_down"])
    match: str = Field(
        min_length=1,
        description=(
            "A label of the hidden subject, or a column of its row in a table, that names the"
            " subject of the hiding alarm, or has the same value as that one's; `subject` is the"
            " subject itself, as without `match`."
        ),
        examples=["gateway"],
    )


def hider(entry: str | SuppressedBy) -> tuple[str, str | None]:
    """The name of an alarm that hides, and what must match; None is the subject itself."""
    if isinstance(entry, str):
        return entry, None
    return entry.alarm, None if entry.match == "subject" else entry.match


class Member(NamedTuple):
    """An alarm that is active and in service, so that it hides others."""

    subject: str
    rule: str
    labels: Mapping[str, str] = {}


class Edge(NamedTuple):
    """An alarm of the name `hider` begins or ends to hide what has this `key`."""

    hider: str
    key: str
    on: bool


class Hiding:
    """What other alarms hide, each while it is active and in service.

    `hiders` are their names. One with None hides its own subject; one with a column hides the
    subjects whose label or table cell of that name is the hiding alarm's, or names its subject.
    """

    def __init__(self, hiders: Mapping[str, str | None], cell: Cell) -> None:
        self._hiders, self._cell = dict(hiders), cell
        self._active: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self.matches = any(self._hiders.values())

    def __bool__(self) -> bool:
        return bool(self._active)

    def of(self, subject: str, about: About | None) -> set[str]:
        """The alarms that hide a subject."""
        return {
            name
            for name in (self._hiders if self._active else ())
            if (name, self._key(name, subject, about)) in self._active
        }

    def hidden(self, edge: Edge, slots: Mapping[str, Slot]) -> list[str]:
        """Those of these subjects that an alarm begins or ends to hide."""
        if self._hiders[edge.hider] is None:
            return [edge.key] if edge.key in slots else []
        return [
            subject
            for subject, slot in slots.items()
            if self._key(edge.hider, subject, slot.about) == edge.key
        ]

    def _key(self, name: str, subject: str, about: About | None) -> str | None:
        column = self._hiders[name]
        return subject if column is None else self._cell(column, subject, about[1] if about else {})

    def take(self, event: Event) -> list[Edge]:
        """Follow a transition: what it begins and ends to hide."""
        if type(event) is not AlarmTransition or event.alarm not in self._hiders:
            return []
        on = "active" in event.flags and "oos" not in event.flags
        member = Member(event.subject, event.rule, event.labels)
        key = self._own_key(event.alarm, member)
        edges = [
            Edge(event.alarm, other, False)
            for name, other in list(self._active)
            if name == event.alarm
            and (other != key or not on)
            and self._discard(name, other, member[:2])
        ]
        if on and self._add(event.alarm, key, member[:2]):
            edges.append(Edge(event.alarm, key, True))
        return edges

    def _own_key(self, name: str, member: Member) -> str:
        column = self._hiders[name]
        cell = None if column is None else self._cell(column, member.subject, member.labels)
        return member.subject if cell is None else cell

    def _add(self, name: str, key: str, member: tuple[str, str]) -> bool:
        members = self._active.setdefault((name, key), set())
        members.add(member)
        return len(members) == 1

    def _discard(self, name: str, key: str, member: tuple[str, str]) -> bool:
        members = self._active[name, key]
        members.discard(member)
        if not members:
            del self._active[name, key]
        return not members

    def follow(self, name: str, standing: Iterable[Member]) -> None:
        """Take what stands of an alarm, whatever was known of it."""
        self._active = {key: found for key, found in self._active.items() if key[0] != name}
        for member in standing:
            self._add(name, self._own_key(name, member), member[:2])

    def snapshot(self) -> list[list[Any]]:
        """What hides others, as plain data."""
        return [
            [key, name, sorted(rule for _, rule in members), sorted(map(list, members))]
            for (name, key), members in self._active.items()
        ]

    def restore(self, saved: list[list[Any]], renamed: Callable[[str], str]) -> None:
        """Take back what `snapshot` returned, of alarms that still hide; some have other names."""
        self._active = {}
        for key, alarm, rules, *members in saved:  # earlier states have rules of one subject only
            if (name := renamed(alarm)) in self._hiders:
                found = members[0] if members else [[key, rule] for rule in rules]
                self._active[name, key] = {(subject, rule) for subject, rule in found}


def differ(names: Iterable[str], before: About | None, now: About | None) -> bool:
    """Whether any of these labels has changed."""
    old, new = (about[1] if about else {} for about in (before, now))
    return any(old.get(name) != new.get(name) for name in names)


def renamed(names: Mapping[str, str]) -> Callable[[str], str]:
    """The present name of each one; `names` are the earlier ones of those that have others now."""
    now = {before: name for name, before in names.items()}
    return lambda name: now.get(name, name)
