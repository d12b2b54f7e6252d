"""Checks of definitions, one after the other, each in a process of its own."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from flows.site.candidate import Verdict, judge
from flows.site.children import Children
from flows.site.process import Process, Tell
from flows.site.version import Given

PATIENCE = 120.0
"""Seconds that a check, with the tests of the definition, may take."""


@dataclass
class Job:
    """A definition to check; `then` gets the verdict. `given` is what is not in files yet."""

    path: Path
    then: Callable[[Verdict], None]
    given: Given = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    is_remote: bool = False


class Checks:
    """The definitions that wait for their check, and the one that is being checked."""

    def __init__(self, children: Children, site: Path, data: Path, profile: str | None) -> None:
        self._children, self._site, self._data, self._profile = children, site, data, profile
        self._waiting: list[Job] = []
        self._job: Job | None = None
        self._process: Process | None = None
        self._verdict: Verdict | None = None
        self._is_stopped = False

    @property
    def names(self) -> list[str]:
        """The files that are being checked, or wait for it."""
        return [job.path.name for job in [*([self._job] if self._job else []), *self._waiting]]

    @property
    def is_busy(self) -> bool:
        """Whether a check runs."""
        return self._process is not None

    def add(self, job: Job) -> None:
        """Check this; a file that waits already is checked once, as it is then."""
        if job.given or not any(one.path == job.path and not one.given for one in self._waiting):
            self._waiting.append(job)

    def go_on(self) -> None:
        """Begin the next one, or end one that takes too long."""
        if self._process is not None:
            if time.monotonic() - self._process.began > PATIENCE:
                self._kill()
            return
        if not self._waiting:
            return
        self._job = job = self._waiting.pop(0)
        self._verdict = None
        site, data, profile = self._site, self._data, self._profile

        def check(tell: Tell) -> int:
            verdict = judge(job.path, site, data, profile, job.given, job.drop, job.is_remote)
            tell(msgspec.to_builtins(verdict))
            return 0

        self._process = self._children.start(job.path.name, check, self._told)

    def ended(self, process: Process, status: int) -> bool:
        """Take the end of a process, if it is ours."""
        if process is not self._process or self._job is None:
            return False
        job, verdict = self._job, None if self._is_stopped else self._verdict
        self._process = self._job = None
        if self._is_stopped and not job.given:
            return True  # nobody waits for an answer, and nothing may start
        if verdict is None:
            words = "\n".join(process.last)
            why = f"the check ended with {status}; it may take {PATIENCE:g} s:\n{words}"
            verdict = Verdict([str(job.path), str(self._site)], refused=f"{job.path}: {why}")
        job.then(verdict)
        return True

    def stop(self) -> None:
        """End the check that runs, whose verdict counts no more, and begin no other."""
        self._is_stopped = True
        self._waiting = []
        self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def _told(self, message: Mapping[str, Any]) -> None:
        self._verdict = msgspec.convert(message, Verdict)
