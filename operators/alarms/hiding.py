"""Which subjects other alarms hide at present."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from operators.events import AlarmTransition, Event

Member = tuple[str, str]
"""The subject and the rule of an alarm that hides others."""


class Hiding:
    """What the alarms `names` hide: their own subject, each while it is active and in service."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._active: dict[tuple[str, str], set[Member]] = {}

    def __bool__(self) -> bool:
        return bool(self._active)

    def of(self, subject: str) -> set[str]:
        """The alarms that hide a subject."""
        return {name for name in self._names if (name, subject) in self._active}

    def take(self, event: Event) -> tuple[str, str, bool] | None:
        """Follow a transition; (alarm, what it hides, whether it does), where that changes."""
        if type(event) is not AlarmTransition or event.alarm not in self._names:
            return None
        active = "active" in event.flags and "oos" not in event.flags
        key = (event.alarm, event.subject)
        members = self._active.setdefault(key, set())
        was = bool(members)
        (members.add if active else members.discard)((event.subject, event.rule))
        if not members:
            del self._active[key]
        return (*key, active) if was != bool(members) else None

    def follow(self, name: str, standing: Iterable[Member]) -> None:
        """Take what stands of an alarm, whatever was known of it."""
        self._active = {key: found for key, found in self._active.items() if key[0] != name}
        for subject, rule in standing:
            self._active.setdefault((name, subject), set()).add((subject, rule))

    def snapshot(self) -> list[list[Any]]:
        """Subject, alarm and rules of what hides others, as plain data."""
        return [
            [subject, name, sorted(rule for _, rule in members)]
            for (name, subject), members in self._active.items()
        ]

    def restore(self, saved: list[list[Any]], renamed: Callable[[str], str]) -> None:
        """Take back what `snapshot` returned, of alarms that still hide; some have other names."""
        self._active = {}
        for subject, alarm, rules in saved:
            if (name := renamed(alarm)) in self._names:
                self._active[name, subject] = {(subject, rule) for rule in rules}


def renamed(names: Mapping[str, str]) -> Callable[[str], str]:
    """The present name of each one; `names` are the earlier ones of those that have others now."""
    now = {before: name for name, before in names.items()}
    return lambda name: now.get(name, name)
