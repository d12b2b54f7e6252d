"""One flow, or the api, under the supervisor: what runs, what is to run next, and what failed."""

import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from flows.site.process import Process
from flows.site.restarts import Restarts
from flows.site.version import Version

State = Literal["starting", "running", "standby", "stopping", "waiting", "ended", "stopped"]
TRIAL = 60.0
"""Seconds in which a version must run where the one before it ran."""
PROBATION = 10.0
"""Seconds that it must then go on; else the one before it is taken back."""
EXIT_NOT_DRAINED = 75
Start = Callable[[Version, tuple[str, ...]], Process]
Done = Callable[[str | None], None]
"""Called with what went wrong, or None, once it is decided which version runs."""


class Offer(NamedTuple):
    """A version that is to run, whom to tell what became of it, and which states may be lost."""

    version: Version
    done: Done
    drop: tuple[str, ...] = ()


class Unit:
    """Swaps versions: the old one drains, the new one takes over its state, or the old one goes on.

    It is told of all that happens and never waits.
    """

    def __init__(
        self,
        name: str,
        start: Start,
        say: Callable[[str], None],
        grace: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.state: State = "stopped"
        self.current: Version | None = None
        """The version that runs, or is started again when it ends."""
        self.error: str | None = None
        """Why what was saved last does not run."""
        self.down: str | None = None
        """Why nothing runs."""
        self.since = time.time()
        """When the present state began."""
        self.address: str | None = None
        self.owner: str | None = None
        """Who else runs it, while this one stands by."""
        self.process: Process | None = None
        self.reloads: Counter[str] = Counter()
        self.restarts = Restarts()
        self.next_start: float | None = None
        self.accepted: Callable[[Version], None] = lambda version: None
        self._start, self._say, self._clock, self._grace = start, say, clock, grace
        self._wanted: Offer | None = None
        self._trial: Offer | None = None
        self._before: Version | None = None
        self._until = math.inf
        self._is_proven = self._ran_well = self._is_late = False
        self._kill_at: float | None = None
        self._leaves = False
        self._reason = ""
        self._answer: tuple[Done, str] | None = None

    def resume(self, version: Version) -> None:
        """Begin with a version that ran before the supervisor was started."""
        self.current, self._is_proven = version, True
        self._launch(version, ())

    @property
    def latest(self) -> Version | None:
        """The version that runs or is about to."""
        offer = self._wanted or self._trial
        return offer.version if offer else self.current

    def offer(self, version: Version, done: Done, drop: tuple[str, ...] = ()) -> None:
        """Have this version run instead of the present one; of several the last one wins."""
        if self._wanted is not None:
            self._wanted.done("a later version came before it was started")
            self._wanted = None
        self._leaves = False
        if self.latest == version and self.state in ("starting", "running", "standby"):
            self.error = None
            done(None)
            return
        if self._trial is None:
            self._ran_well = self.state in ("running", "standby")
        self._wanted = Offer(version, done, drop)
        if self.process is None:
            self._try()
        elif self.state != "stopping":
            self._end()

    def refuse(self, reason: str) -> None:
        """Note that what was saved may not run; what runs goes on."""
        if reason != self.error:
            self.reloads["refused"] += 1
            self._say(f"refused, {'the old one goes on' if self.current else 'nothing runs'}:")
            for line in reason.splitlines():
                self._say(f"  {line}")
        self.error = reason

    def leave(self) -> None:
        """End it and start nothing more; its state stays."""
        self._leaves, self.next_start = True, None
        self.error = self.down = None
        for offer in (self._wanted, self._trial):
            if offer is not None:
                offer.done("it was taken away")
        self._wanted = self._trial = None
        if self.process is None:
            self._enter("stopped")
        elif self.state != "stopping":
            self._end()

    def told(self, news: Mapping[str, Any]) -> None:
        """Take what the process says."""
        if "port" in news:
            self.address = f"http://127.0.0.1:{news['port']}" if news["port"] else None
        if news.get("running") and self.state in ("starting", "standby"):
            self._runs("running")
        elif "standby" in news and self.state == "starting":
            self.owner = news["standby"]
            self._runs("standby")
        elif news.get("running") is False and self.state == "running":
            self._enter("starting")

    def ended(self, status: int) -> None:
        """Go on after the process ended; `status` is negative for a signal."""
        assert self.process is not None
        ran = self._clock() - self.process.began
        words = "\n".join(self.process.last)
        self.process, self._kill_at, self.address = None, None, None
        if self._leaves:
            self._enter("stopped")
        elif self._wanted is not None:
            self._try()
        elif self._trial is not None:
            self._go_back(self._reason or f"the new version ended with {_status(status)}:\n{words}")
        elif self._before is not None and self._clock() < self._until and _is_fault(status):
            self._go_back(f"the new version soon ended with {_status(status)}:\n{words}")
        elif status == 0 and self.state != "stopping":
            self._say("ended by itself with 0; it is not started again before it is saved anew")
            self.down = "its sources ended"
            self._enter("ended")
        else:
            self._wait(f"ended with {_status(status)}:\n{words}", ran)

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock()
        if self._kill_at is not None and now >= self._kill_at and self.process is not None:
            self._say(f"did not end within {self._grace:g} s and is killed")
            self._kill_at = None
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
        if self.next_start is not None and now >= self.next_start and self.process is None:
            self.next_start = None
            assert self.current is not None
            self._launch(self.current, ())
        if self._trial is not None and self.state == "starting" and now >= self._until:
            words = "\n".join(self.process.last) if self.process else ""
            self._reason = f"the new version did not run within {TRIAL:g} s:\n{words}"
            self._end()

    def _try(self) -> None:
        assert self._wanted is not None
        if self._trial is not None:
            self._trial.done("a later version came before it ran")
        self._trial, self._wanted = self._wanted, None
        self._reason, self._is_late = "", False
        self._until = self._clock() + TRIAL if self._ran_well else math.inf
        self.restarts.begin_anew()
        self.next_start = None
        self._launch(self._trial.version, self._trial.drop)

    def _launch(self, version: Version, drop: tuple[str, ...]) -> None:
        self.down = None
        self._say(f"starting version {version.hash}")
        self._enter("starting")
        try:
            self.process = self._start(version, drop)
        except OSError as error:
            why = f"no process can be made: {error.strerror}"
            if self._trial is not None:
                self._go_back(why)
            else:
                self._wait(why, 0.0)

    def _runs(self, state: State) -> None:
        """It does what it should: it runs, or stands by."""
        self._enter(state)
        self.down, self._is_proven = None, True
        if self._trial is not None:
            done, version = self._trial.done, self._trial.version
            self._before = self.current if self.current != version else None
            self._until = self._clock() + PROBATION
            self.current, self._trial, self.error = version, None, None
            self.reloads["ok"] += 1
            self.accepted(version)
            done(None)
        elif self._answer is not None:
            done, reason = self._answer
            self._answer = None
            done(reason)
        assert self.current is not None
        if self._is_late:
            self._is_late, self.error = False, None
            self.reloads["ok"] += 1
            self.accepted(self.current)
        self._say(f"{state} version {self.current.hash}")

    def _go_back(self, reason: str) -> None:
        failed = self._trial
        old = self._before if failed is None else self.current if self._is_proven else None
        states = failed.version.states if failed else self.current.states if self.current else ()
        self._trial = self._before = None
        self.error = reason
        if failed is not None and old is not None and failed.version.definition == old.definition:
            old = None  # the site file alone changed, and both read it as it is now
        if old is None:
            assert failed is not None
            self.current, self._is_late = failed.version, True
            self._wait(reason, 0.0)
            failed.done(reason)
            return
        self.reloads["returned"] += 1
        self._say("went back to the version before:")
        for line in reason.splitlines():
            self._say(f"  {line}")
        self.current = old
        self.accepted(old)
        if failed is not None:
            self._answer = (failed.done, reason)
        self._launch(old, tuple(set(states) - set(old.states)))

    def _wait(self, reason: str, ran: float) -> None:
        if self._answer is not None:
            done, first = self._answer
            self._answer = None
            done(f"{first}\nand the version before does not start either: {reason}")
        pause = self.restarts.pause(ran)
        self.down = reason
        self.next_start = self._clock() + pause
        self._say(f"{reason.partition(chr(10))[0].rstrip(':')}; it is started again in {pause:g} s")
        self._enter("waiting")

    def _end(self) -> None:
        assert self.process is not None
        self._enter("stopping")
        self._kill_at = self._clock() + self._grace
        with contextlib.suppress(ProcessLookupError):
            self.process.ask_to_end()

    def _enter(self, state: State) -> None:
        self.state, self.since = state, time.time()


def _is_fault(status: int) -> bool:
    """Whether an end says something against the version, not of a service that is down."""
    return status not in (0, EXIT_NOT_DRAINED)


def _status(status: int) -> str:
    return f"status {status}" if status >= 0 else f"signal {-status}"
