"""Flows that are ended for good: stopped, their alarms ended, then their files removed."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from connectors.runtime.supervisor import Remove, Removed
from flows.site.books import Books
from flows.site.flow_run import FlowRun, run_flow
from flows.site.own_alarms import FLOW as OWN
from flows.site.unit import Unit
from flows.site.version import Version
from flows.site.wishes.errands import Errands

Answer = Callable[[Removed], None]


class Site(Protocol):
    """What removals need of the supervisor."""

    units: dict[str, Unit]
    files: dict[Path, str]
    books: Books

    def say(self, name: str, text: str) -> None:
        """Write a line of the log."""

    def forget(self, flow: str) -> None:
        """Know nothing more of a flow and of its files."""


class Removals:
    """Those under way; each waits until its flow has stopped.

    `end` makes of a version what is to run, so that it ends.
    """

    def __init__(self, site: Site, errands: Errands, end: Callable[[Version], FlowRun]) -> None:
        self._site, self._errands, self._end = site, errands, end
        self._waiting: dict[str, tuple[Remove, Version, Answer]] = {}

    def begin(self, wish: Remove, answer: Answer) -> None:
        """Stop the flow; the answer comes once it is gone, or cannot be."""
        unit = self._site.units.get(wish.flow)
        version = (unit and (unit.current or unit.latest)) or self._site.books.last(wish.flow)
        if wish.flow == OWN and OWN not in self._site.files.values():
            answer(Removed(f"{OWN!r} watches the site; `vigie up --no-watch` runs without it"))
        elif version is None or not version.definition.exists():
            answer(Removed(f"no flow {wish.flow!r} has run here"))
        elif wish.flow in self._waiting:
            answer(Removed(f"somebody else is removing {wish.flow!r}"))
        else:
            self._site.say(wish.flow, f"{wish.who or 'somebody'} removes it")
            if unit is not None:
                unit.leave()
            self._waiting[wish.flow] = wish, version, answer

    def go_on(self) -> None:
        """End those that have stopped."""
        stopped = [flow for flow in self._waiting if not self._runs(flow)]
        for flow in stopped:
            wish, version, answer = self._waiting.pop(flow)
            ended = partial(self._ended, wish, version, answer)
            self._errands.begin(flow, self._work(version), ended)

    def _runs(self, flow: str) -> bool:
        unit = self._site.units.get(flow)
        return unit is not None and unit.process is not None

    def _work(self, version: Version) -> Callable[[], Removed]:
        asked = self._end(version)

        def work() -> Removed:
            told: list[Mapping[str, Any]] = []
            if status := run_flow(asked, told.append):
                raise SystemExit(status)
            return Removed(left=told[-1]["left"])

        return work

    def _ended(
        self, wish: Remove, version: Version, answer: Answer, said: Mapping[str, Any]
    ) -> None:
        removed = Removed(**said)
        unit = self._site.units.get(wish.flow)
        if removed.refused is not None:
            self._site.say(wish.flow, f"it cannot be removed: {removed.refused}")
            if unit is not None and wish.flow in self._site.files.values():
                unit.resume(version)
        elif not removed.left:
            self._site.forget(wish.flow)
            self._site.say(wish.flow, "it is gone for good")
        answer(removed)
