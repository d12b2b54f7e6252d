"""Work for those who ask the supervisor, each piece in a process of its own."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from connectors.runtime.supervisor import PlanLimits, SendAgain
from flows.site.children import Children
from flows.site.dead_letters import send_again
from flows.site.plans.limit_plan import plan_limits
from flows.site.process import Process, Tell
from flows.site.unit import Unit

MOST = 4
"""Pieces of work at a time."""
Answer = Callable[[Any], None]


class Errands:
    """The requests that are being carried out."""

    def __init__(self, children: Children, site: Path, profile: str | None) -> None:
        self._children, self._site, self._profile = children, site, profile
        self._running: list[tuple[Process, Answer, list[Mapping[str, Any]]]] = []

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits."""
        return bool(self._running)

    def run(self, wish: SendAgain | PlanLimits, unit: Unit | None, answer: Answer) -> None:
        """Carry out what is asked of a flow that runs."""
        version = unit.current or unit.latest if unit is not None else None
        if version is None:
            answer({"refused": f"no flow {wish.flow!r} runs under this `vigie up`"})
        elif isinstance(wish, SendAgain):
            send = partial(send_again, wish, version.definition, self._site, self._profile)
            self.begin(wish.flow, send, answer)
        else:
            plan = partial(plan_limits, wish, version, self._site, self._profile)
            self.begin(wish.flow, plan, answer)

    def begin(self, name: str, make: Callable[[], msgspec.Struct], answer: Answer) -> None:
        """Answer with what `make` returns; one that fails, or is one too many, is `refused`."""
        if len(self._running) >= MOST:
            answer({"refused": f"{MOST} others wait for such work; try again in a minute"})
            return
        told: list[Mapping[str, Any]] = []

        def work(tell: Tell) -> int:
            tell(msgspec.to_builtins(make()))
            return 0

        self._running.append((self._children.start(name, work, told.append), answer, told))

    def ended(self, process: Process) -> bool:
        """Take the end of a process, if it is ours."""
        for one in self._running:
            if one[0] is process:
                self._running.remove(one)
                _, answer, told = one
                answer(told[0] if told else {"refused": f"it ended: {' '.join(process.last)}"})
                return True
        return False
