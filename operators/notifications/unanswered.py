"""Alarms that wait for their acknowledgement before anybody else is told of them."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from operators.notifications.groups import ENDS

Given = dict[str, Any]
"""What the notifier is given of an alarm: `key`, `name`, `event`, `acked`, `masked`, `about`."""


class Unanswered:
    """Holds an alarm back for `span` seconds from its annunciation, unless somebody sees it."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._waiting: dict[str, dict[str, Any]] = {}

    def take(self, given: Given, annunciate: bool, now: float) -> None:
        """Take a change of an alarm that nobody else was told of."""
        name = given["name"]
        if given["event"] in ENDS or given["acked"] or given["masked"]:
            self._waiting.pop(name, None)
        elif annunciate or name in self._waiting:
            since = self._waiting[name]["since"] if name in self._waiting else now
            self._waiting[name] = {"since": since, "given": given}

    def ripe(self, now: float) -> Iterator[tuple[float, float, Given]]:
        """Give those that waited long enough by `now`: when they had, since when, and what."""
        while (due := self.next_due()) <= now:
            name = min(self._waiting, key=lambda one: float(self._waiting[one]["since"]))
            one = self._waiting.pop(name)
            yield due, one["since"], one["given"]

    def next_due(self) -> float:
        """When the next one has waited long enough; infinity if none waits."""
        since = min((one["since"] for one in self._waiting.values()), default=math.inf)
        return float(since) + self._span

    def holds(self, name: str) -> bool:
        """Whether an alarm is held back."""
        return name in self._waiting

    def forget(self, name: str) -> None:
        """Tell nobody of an alarm."""
        self._waiting.pop(name, None)

    def given(self) -> Iterator[Given]:
        """Give what is known of all that wait."""
        return (one["given"] for one in self._waiting.values())

    def snapshot(self) -> dict[str, Any]:
        """What waits, as plain data."""
        return dict(self._waiting)

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take back what `snapshot` returned."""
        self._waiting = {name: dict(one) for name, one in data.items()}
