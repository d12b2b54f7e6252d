"""Work for those who ask the supervisor, each piece in a process of its own."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from flows.site.children import Children
from flows.site.process import Process, Tell

MOST = 4
"""Pieces of work at a time."""
Answer = Callable[[Any], None]


class Errands:
    """The requests that are being carried out."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._running: list[tuple[Process, Answer, list[Mapping[str, Any]]]] = []

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits."""
        return bool(self._running)

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
