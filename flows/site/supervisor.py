"""The supervisor of a site: one thread that waits for files, processes, signals and questions.

It forks what it runs, so it must never start a thread, and leaves all work to its children.
"""

import contextlib
import fcntl
import gc
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from connectors.runtime.private_files import open_private, private_folder
from connectors.runtime.supervisor import Became, Deploy, Fetch, PlanLimits, Remove, SendAgain
from flows.site import own_alarms as own
from flows.site.books import Books, How
from flows.site.candidate import Verdict
from flows.site.checks import Checks, Job
from flows.site.children import Children, preload
from flows.site.control import Asking, listen
from flows.site.flow_run import FlowRun, run_flow
from flows.site.lines import Lines
from flows.site.log_form import Form
from flows.site.process import Process
from flows.site.site_status import SiteStatus, status_of
from flows.site.unit import Start, Unit
from flows.site.version import Version, content
from flows.site.watch import Watch
from flows.site.wishes.deploys import Deploys
from flows.site.wishes.errands import Errands
from flows.site.wishes.removals import Removals

LOOK = 0.25
"""Seconds between two looks at the files."""
VANISHED = 5.0
"""Seconds after which a file that is gone is a flow to be stopped."""
AGAIN = 10.0
"""Seconds until what could not be checked is tried again."""
API = "api"


@dataclass(frozen=True)
class UpOptions:
    """What is to run: `api` are the arguments of `vigie api`, None to run none.

    `watches` says whether the flow `vigie` watches the others, where the folder has no such flow.
    """

    folder: Path
    site: Path
    data: Path
    profile: str | None = None
    grace: float = 10.0
    log_form: Form = "text"
    api: tuple[str, ...] | None = ()
    watches: bool = True


class AlreadyUp(Exception):
    """Another supervisor has the data folder."""


class Supervisor:
    """Runs the definitions of a folder and the api until SIGTERM or SIGINT."""

    def __init__(self, options: UpOptions, lines: Lines) -> None:
        self._options, self._lines = options, lines
        self._own = private_folder(private_folder(options.data) / "up")
        self.books = Books(options.data, lambda text: self.say("up", text))
        self.units: dict[str, Unit] = {}
        self.files: dict[Path, str] = {}
        """The flow of each file."""
        self._api: Unit | None = None
        self._watch = Watch(options.folder, options.site)
        self._problems: dict[Path, str] = {}
        self._second: dict[Path, str] = {}
        """Files whose flow another file has."""
        self._open: dict[Path, float] = {}
        """Files that could not be checked, and when they are to be."""
        self._gone: dict[Path, float] = {}
        self._selector = selectors.DefaultSelector()
        self._children = Children(self._selector, self._own / "children.json", lines.of)
        self.checks = Checks(self._children, options.site, options.data, options.profile)
        self._errands = Errands(self._children, options.site, options.profile)
        self._removals = Removals(self, self._errands, partial(self._asked_of, ends=True))
        self._deploys = Deploys(self, options.folder, options.site)
        self._was_asked_to_end = self._is_stopping = False
        self._since = time.time()
        self._site_seen: str | None = None
        self._site_last: str | None = None
        self._watched_with = ""
        self._wake, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        """Run until all has ended after a signal; raises `AlreadyUp`."""
        with open_private(self._own / "lock", "ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyUp(
                    f"another `vigie up` runs on {self._options.data}; stop it, or give this one"
                    " another folder with --data"
                ) from None
            self._children.end_orphans(lambda text: self.say("up", text))
            self._take_signals()
            with listen(self._own) as server:
                self._selector.register(server, selectors.EVENT_READ, self._accept)
                self._selector.register(self._wake, selectors.EVENT_READ, self._woken)
                preload()
                gc.freeze()
                if self._options.api is not None:
                    self._api = self._unit(API, self._start_api)
                self._loop()

    def _loop(self) -> None:
        look_at = 0.0
        while not (self._is_stopping and self._is_quiet()):
            if self._was_asked_to_end and not self._is_stopping:
                self._stop()
            now = time.monotonic()
            if now >= look_at and not self._is_stopping:
                look_at = now + LOOK
                self._look_at_site()
                self._look(now)
                self._watch_over()
            for unit in self._all_units():
                unit.tick()
            if not self._is_stopping:
                self.checks.go_on()
                self._removals.go_on()
            for key, _ in self._selector.select(LOOK):
                key.data(key.fileobj)
            for process, status in self._children.ended():
                if not (self.checks.ended(process, status) or self._errands.ended(process)):
                    for unit in self._all_units():
                        if unit.process is process:
                            unit.ended(status)

    def _all_units(self) -> list[Unit]:
        return [*self.units.values(), *([self._api] if self._api else [])]

    def _is_quiet(self) -> bool:
        is_busy = self.checks.is_busy or self._errands.is_busy
        return not is_busy and not any(unit.process for unit in self._all_units())

    # ------------------------------------------------------------------------
    # files
    def _look(self, now: float) -> None:
        for path in self._watch.look():
            self._check(path)
        for path in [path for path, at in self._open.items() if now >= at]:
            del self._open[path]
            self._check(path)
        for path, flow in list(self._second.items()):
            if self._file_of(flow, path) is None:
                del self._second[path]
                if path.exists():
                    self._check(path)
        for path in [*self.files, *self._problems]:
            if path.exists() or self._deploys.brings(path):
                self._gone.pop(path, None)
            elif now - self._gone.setdefault(path, now) >= VANISHED:
                self._remove(path)

    def _check(self, path: Path) -> None:
        self.checks.add(Job(path, lambda verdict: self._checked(path, verdict)))

    def _file_of(self, flow: str, but: Path) -> Path | None:
        """The file, other than this one, that is there and has a flow."""
        files = (path for path, held in self.files.items() if held == flow and path != but)
        return next((path for path in files if path.exists()), None)

    def _look_at_site(self) -> None:
        """Have the site file checked once it holds still after a change."""
        site = content(self._options.site)
        is_still, self._site_last = site == self._site_last, site
        if not is_still or site == self._site_seen:
            return
        self._site_seen = site
        if not site:
            self.say(
                "up",
                f"there is no site file {self._options.site}: nothing runs without; write one"
                " (vigie init does), or name another with --site",
            )
        elif self._api is not None:
            self.checks.add(Job(self._options.site, self._site_checked))

    def _site_checked(self, verdict: Verdict) -> None:
        """Start the api again with the site file, or say why it goes on with what it read."""
        assert self._api is not None
        if verdict.refused:
            self._api.refuse(verdict.refused)
        elif site := content(self._options.site):
            self._api.offer(Version(API, site[:12], site, "", ""), lambda reason: None)

    def _watch_over(self) -> None:
        """Have the flow `vigie` run, unless the folder has one; with this site file."""
        if not self._options.watches or own.FLOW in self.files.values() or self.checks.names:
            return
        site = content(self._options.site)
        unit = self.units.get(own.FLOW)
        if unit is not None and unit.state != "stopped" and site == self._watched_with:
            return
        version = own.own_alarms(self._options.site, self._options.data) if site else None
        self._watched_with = site
        if version is not None:
            self.units.setdefault(own.FLOW, self._unit(own.FLOW, self._start_flow))
            self.offer(version, "", "saved", lambda reason: None)

    def _remove(self, path: Path) -> None:
        del self._gone[path]
        self._problems.pop(path, None)
        flow = self.files.pop(path, None)
        if flow is not None and flow not in self.files.values() and flow in self.units:
            self.say(flow, f"{path.name} is gone: it is stopped, and its state stays")
            self.books.forget(path.name)
            self.units[flow].leave()
            if self.units[flow].latest is None and self.units[flow].process is None:
                del self.units[flow]

    def forget(self, flow: str) -> None:
        """Know nothing more of a flow, and remove the files of its definitions."""
        for path in [path for path, held in self.files.items() if held == flow]:
            path.unlink(missing_ok=True)
            del self.files[path]
            self.books.forget(path.name)
        self.units.pop(flow, None)

    def _checked(self, path: Path, verdict: Verdict) -> None:
        """Have a file that was saved run, or say why it does not."""
        self._watch.reads(path, verdict.files)
        self._problems.pop(path, None)
        if verdict.is_open and path.exists():
            self._open[path] = time.monotonic() + AGAIN
        kept = self.books.accepted.get(path.name)
        flow = verdict.flow or self.files.get(path)
        if flow is None and kept is not None and verdict.refused:
            flow = kept.flow
        problem = verdict.refused if flow is None else self.take(path, flow)
        if flow is None or problem is not None:
            if problem is not None:
                self._problems[path] = problem
                for line in problem.splitlines():
                    self.say(path.name, line)
            return
        unit = self.units[flow]
        if self._deploys.brings(path) and verdict.version == kept:
            return  # no edit: it is what the deployed version is about to replace
        if verdict.version is not None:
            self.offer(verdict.version, "", "saved", lambda reason: None)
            return
        unit.refuse(str(verdict.refused))
        if unit.latest is None and kept is not None and kept.definition.exists():
            unit.resume(kept)

    def take(self, path: Path, flow: str) -> str | None:
        """Note that a file holds a flow; why that cannot be, if it cannot."""
        if other := self._file_of(flow, path):
            self._second[path] = flow
            return f"{path}: the flow {flow!r} is already in {other}: give it another name"
        for other in [p for p, f in self.files.items() if f == flow and p != path]:
            del self.files[other]
            self._gone.pop(other, None)
            self.books.forget(other.name)
        known = self.files.get(path)
        if known is not None and known != flow and known in self.units:
            self.say(known, f"{path.name} is now the flow {flow}: this one is stopped")
            self.units[known].leave()
        self.files[path] = flow
        if flow not in self.units:
            self.units[flow] = self._unit(flow, self._start_flow)
        return None

    def offer(
        self, version: Version, who: str, how: How, done: Callable[[str | None], None],
        drop: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Have a version run; `done` gets why it does not, or None."""
        unit = self.units[version.flow]

        def accepted(now: Version) -> None:
            files = [path.name for path, flow in self.files.items() if flow == now.flow]
            is_it = now == version
            self.books.accept(files, now, who if is_it else "", how if is_it else "saved")

        unit.accepted = accepted
        unit.offer(version, done, drop)

    # ------------------------------------------------------------------------
    # processes
    def _unit(self, name: str, start: Start) -> Unit:
        return Unit(name, start, lambda text: self.say(name, text), self._options.grace)

    def _asked_of(
        self, version: Version, drop: tuple[str, ...] = (), ends: bool = False
    ) -> FlowRun:
        options = self._options
        return FlowRun(
            version.definition,
            options.site,
            options.data,
            options.profile,
            drop=drop,
            status_port=0,
            log_form=options.log_form,
            folder=options.folder,
            version=version.hash,
            ends=ends,
        )

    def _start_flow(self, version: Version, drop: tuple[str, ...]) -> Process:
        asked, unit = self._asked_of(version, drop), self.units[version.flow]
        return self._children.start(version.flow, lambda tell: run_flow(asked, tell), unit.told)

    def _start_api(self, version: Version, drop: tuple[str, ...]) -> Process:
        options = self._options
        assert self._api is not None
        command = [sys.executable, "-m", "flows.cli", "api", "--site", str(options.site)]
        command += ["--data", str(options.data / "api"), "--supervisor", str(self._own)]
        command += options.api or ()
        return self._children.start(API, command, self._api.told)

    # ------------------------------------------------------------------------
    # signals and questions
    def _take_signals(self) -> None:
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take_signal)

    def _take_signal(self, number: int, frame: object) -> None:
        self._was_asked_to_end = True  # the loop acts on it: it may be in the middle of a swap

    def _woken(self, _: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _stop(self) -> None:
        self._is_stopping = True
        self.say("up", "stopping: every flow makes durable what it read")
        self.checks.stop()
        for unit in self._all_units():
            unit.leave()

    def _accept(self, server: Any) -> None:
        with contextlib.suppress(BlockingIOError):
            asking = Asking(server.accept()[0])
            self._selector.register(asking, selectors.EVENT_READ, self._asked)

    def _asked(self, asking: Any) -> None:
        try:
            wish = asking.wish()
        except (ValueError, OSError):
            self._selector.unregister(asking)
            asking.close()
            return
        if wish is None:
            return
        self._selector.unregister(asking)
        if isinstance(wish, Fetch):
            asking.answer(self._deploys.held(wish.flow))
        elif isinstance(wish, SendAgain | PlanLimits):
            self._errands.run(wish, self.units.get(wish.flow), asking.answer)
        elif not isinstance(wish, Deploy | Remove):
            asking.answer(self._status())
        elif self._is_stopping:
            asking.answer(Became(refused="the supervisor is stopping; try again once it is back"))
        elif isinstance(wish, Remove):
            self._removals.begin(wish, asking.answer)
        else:
            self._deploys.begin(wish, asking.answer)

    def _status(self) -> SiteStatus:
        files = {flow: path.name for path, flow in self.files.items()}
        return SiteStatus(
            str(self._options.folder),
            str(self._options.site),
            os.getpid(),
            self._since,
            [
                status_of(unit, files.get(name), name in files or name == own.FLOW)
                for name, unit in self.units.items()
            ],
            status_of(self._api, None) if self._api else None,
            {path.name: problem for path, problem in self._problems.items()},
            self.checks.names,
        )

    def say(self, name: str, text: str) -> None:
        """Write a line of the log about something."""
        self._lines.say(name, text)
