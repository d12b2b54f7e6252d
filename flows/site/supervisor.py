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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from connectors.runtime.private_files import open_private, private_folder, write_private
from flows.site.candidate import Verdict, judge
from flows.site.control import Asking, listen
from flows.site.flow_run import FlowRun, run_flow
from flows.site.lines import Lines
from flows.site.log_form import Form
from flows.site.process import Process, started_at
from flows.site.site_status import SiteStatus, UnitStatus
from flows.site.unit import Unit
from flows.site.version import Version, content
from flows.site.watch import Watch

LOOK = 0.5
"""Seconds between two looks at the files."""
VANISHED = 5.0
"""Seconds after which a file that is gone is a flow to be stopped."""
CHECK_PATIENCE = 120.0
API = "api"


@dataclass(frozen=True)
class UpOptions:
    """What is to run: `api` are the arguments of `vigie api`, None to run none."""

    folder: Path
    site: Path
    data: Path
    profile: str | None = None
    grace: float = 10.0
    log_form: Form = "text"
    api: tuple[str, ...] | None = ()


class AlreadyUp(Exception):
    """Another supervisor has the data folder."""


class Supervisor:
    """Runs the definitions of a folder and the api until SIGTERM or SIGINT."""

    def __init__(self, options: UpOptions, lines: Lines) -> None:
        self._options, self._lines = options, lines
        self._own = private_folder(private_folder(options.data) / "up")
        self._watch = Watch(options.folder, options.site)
        self._units: dict[str, Unit] = {}
        self._files: dict[Path, str] = {}
        """The flow of each file."""
        self._problems: dict[Path, str] = {}
        self._gone: dict[Path, float] = {}
        self._to_check: dict[Path, None] = {}
        self._check: tuple[Path, Process, list[Verdict]] | None = None
        self._accepted: dict[str, Version] = self._read_accepted()
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._since = time.time()
        self._site_seen = ""
        self._wake, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake_write = wake

    def run(self) -> None:
        """Run until all has ended after a signal; raises `AlreadyUp`."""
        lock = open_private(self._own / "lock", "ab")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyUp(
                    f"another `vigie up` runs on {self._options.data}; stop it, or give this one"
                    " another folder with --data"
                ) from None
            self._end_orphans()
            self._signals()
            server = listen(self._own)
            self._selector.register(server, selectors.EVENT_READ, self._accept)
            self._selector.register(self._wake, selectors.EVENT_READ, self._woken)
            gc.freeze()
            if self._options.api is not None:
                self._units[API] = self._unit(API, self._start_api)
            self._loop()
            server.close()

    def _loop(self) -> None:
        look_at = 0.0
        while not (self._stopping and self._is_quiet()):
            now = time.monotonic()
            if now >= look_at and not self._stopping:
                look_at = now + LOOK
                self._look(now)
            for unit in list(self._units.values()):
                unit.tick()
            self._next_check(now)
            for key, _ in self._selector.select(LOOK):
                key.data(key.fileobj)
            self._reap()

    def _is_quiet(self) -> bool:
        return self._check is None and not any(unit.process for unit in self._units.values())

    # ------------------------------------------------------------------------
    # files
    def _look(self, now: float) -> None:
        changed, _ = self._watch.look()
        for path in changed:
            self._gone.pop(path, None)
            self._to_check[path] = None
        for path in [*self._files, *self._problems]:
            if path.exists():
                self._gone.pop(path, None)
            else:
                self._gone.setdefault(path, now)
        for path, since in list(self._gone.items()):
            if now - since >= VANISHED:
                self._remove(path)
        site = content(self._options.site)
        if API in self._units and site and site != self._site_seen:
            self._site_seen = site
            version = Version(API, site[:12], site, "", "")
            self._units[API].offer(version, lambda reason: None)

    def _remove(self, path: Path) -> None:
        del self._gone[path]
        self._problems.pop(path, None)
        flow = self._files.pop(path, None)
        if flow is not None and flow not in self._files.values() and flow in self._units:
            self._say(flow, f"{path.name} is gone: it is stopped, and its state stays")
            self._accepted.pop(path.name, None)
            self._units[flow].leave()

    def _next_check(self, now: float) -> None:
        if self._check is not None:
            path, process, _ = self._check
            if now - process.began > CHECK_PATIENCE or self._stopping:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            return
        if not self._to_check or self._stopping:
            return
        path = next(iter(self._to_check))
        del self._to_check[path]
        options, verdicts = self._options, list[Verdict]()

        def check(tell: Callable[[Mapping[str, Any]], None]) -> int:
            tell(msgspec.to_builtins(judge(path, options.site, options.data, options.profile)))
            return 0

        self._say(path.name, "checking")
        self._check = (path, self._spawn(path.name, check, verdicts), verdicts)

    def _checked(self, path: Path, verdict: Verdict) -> None:
        self._watch.reads(path, verdict.files)
        self._problems.pop(path, None)
        known = self._files.get(path)
        flow = verdict.flow or known
        if flow is None:
            kept = self._accepted.get(path.name)
            flow = kept.flow if kept is not None and verdict.refused else None
        if flow is None:
            if verdict.refused:
                self._problem(path, verdict.refused)
            return
        other = next((p for p, f in self._files.items() if f == flow and p != path), None)
        if other is not None and other.exists():
            self._problem(
                path, f"{path}: the flow {flow!r} is already in {other}: give it another name"
            )
            return
        if other is not None:
            del self._files[other]
            self._gone.pop(other, None)
        if known is not None and known != flow and known in self._units:
            self._say(known, f"{path.name} is now the flow {flow}: this one is stopped")
            self._units[known].leave()
        self._files[path] = flow
        if flow not in self._units:
            self._units[flow] = self._unit(flow, self._start_flow)
            self._units[flow].accepted = lambda version: self._accept_version(flow, version)
        unit = self._units[flow]
        if verdict.version is not None:
            unit.offer(verdict.version, lambda reason: None)
            return
        unit.refuse(str(verdict.refused))
        kept = self._accepted.get(path.name)
        if unit.latest is None and kept is not None and kept.definition.exists():
            unit.resume(kept)

    def _problem(self, path: Path, problem: str) -> None:
        self._problems[path] = problem
        for line in problem.splitlines():
            self._say(path.name, line)

    # ------------------------------------------------------------------------
    # processes
    def _unit(self, name: str, start: Callable[[Version, tuple[str, ...]], Process]) -> Unit:
        return Unit(name, start, lambda text: self._say(name, text), self._options.grace)

    def _start_flow(self, version: Version, drop: tuple[str, ...]) -> Process:
        options = self._options
        asked = FlowRun(
            version.definition,
            options.site,
            options.data,
            options.profile,
            drop=drop,
            status_port=0,
            log_form=options.log_form,
            folder=options.folder,
        )
        return self._spawn(version.flow, lambda tell: run_flow(asked, tell), None)

    def _start_api(self, version: Version, drop: tuple[str, ...]) -> Process:
        options = self._options
        command = [sys.executable, "-m", "flows.cli", "api", "--site", str(options.site)]
        command += ["--data", str(options.data / "api"), *(options.api or ())]
        return self._spawn(API, command, None)

    def _spawn(self, name: str, work: Any, verdicts: list[Verdict] | None) -> Process:
        process = Process(work)

        def output(_: object) -> None:
            for line in process.lines():
                self._lines.of(name, line)

        def news(_: object) -> None:
            for message in process.told():
                if verdicts is not None:
                    verdicts.append(msgspec.convert(message, Verdict))
                elif name in self._units:
                    self._units[name].told(message)

        self._selector.register(process.output, selectors.EVENT_READ, output)
        self._selector.register(process.news, selectors.EVENT_READ, news)
        self._write_children(process)
        return process

    def _reap(self) -> None:
        """Take the ends of children; as process 1 also those of others' orphans."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            if self._check is not None and self._check[1].pid == pid:
                path, process, verdicts = self._check
                self._closed(process)
                self._check = None
                words = "\n".join(process.last)
                lost = Verdict(
                    [str(path)], refused=f"{path}: the check ended with {code}:\n{words}"
                )
                if not self._stopping:
                    self._checked(path, verdicts[0] if verdicts else lost)
            for unit in self._units.values():
                if unit.process is not None and unit.process.pid == pid:
                    self._closed(unit.process)
                    unit.ended(code)

    def _closed(self, process: Process) -> None:
        for pipe in (process.output, process.news):
            self._selector.get_key(pipe).data(pipe)
            self._selector.unregister(pipe)
        process.close()

    def _write_children(self, newest: Process | None = None) -> None:
        """Keep which processes are ours, for one who comes after a kill of this one."""
        ours = [unit.process for unit in self._units.values()] + [newest]
        pids = {one.pid: started_at(one.pid) for one in ours if one is not None}
        write_private(self._own / "children.json", msgspec.json.encode(pids))

    def _end_orphans(self) -> None:
        """End what an earlier supervisor left; the kernel has done it where it could."""
        try:
            pids = msgspec.json.decode(
                (self._own / "children.json").read_bytes(), type=dict[int, str | None]
            )
        except (OSError, ValueError):
            return
        for pid, began in pids.items():
            if began is not None and started_at(pid) == began:
                self._say("up", f"process {pid} of an earlier start still runs: it is ended")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                while started_at(pid) == began:
                    time.sleep(0.02)

    # ------------------------------------------------------------------------
    # signals and questions
    def _signals(self) -> None:
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGTERM, lambda number, frame: self._stop())
        signal.signal(signal.SIGINT, lambda number, frame: self._stop())
        signal.signal(signal.SIGHUP, lambda number, frame: None)

    def _woken(self, _: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._say("up", "stopping: every flow makes durable what it read")
        for unit in self._units.values():
            unit.leave()

    def _accept(self, server: Any) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = server.accept()
            asking = Asking(connection)
            self._selector.register(connection, selectors.EVENT_READ, lambda _: self._asked(asking))

    def _asked(self, asking: Asking) -> None:
        try:
            question = asking.question()
        except (ValueError, OSError):
            self._selector.unregister(asking.connection)
            asking.connection.close()
            return
        if question is not None:
            asking.answer(self.status())
            self._selector.unregister(asking.connection)
            asking.connection.close()

    def status(self) -> SiteStatus:
        """What runs now."""
        files = {flow: path.name for path, flow in self._files.items()}
        now, wall = time.monotonic(), time.time()
        units = [
            UnitStatus(
                name,
                unit.state,
                unit.since,
                files.get(name),
                unit.current.hash if unit.current else None,
                unit.process.pid if unit.process else None,
                unit.address,
                unit.error,
                unit.down,
                unit.restarts.count,
                wall + unit.next_start - now if unit.next_start is not None else None,
                dict(unit.reloads),
            )
            for name, unit in self._units.items()
        ]
        return SiteStatus(
            str(self._options.folder),
            os.getpid(),
            self._since,
            [unit for unit in units if unit.name != API],
            next((unit for unit in units if unit.name == API), None),
            {path.name: problem for path, problem in self._problems.items()},
            [path.name for path in ([self._check[0]] if self._check else []) + [*self._to_check]],
        )

    # ------------------------------------------------------------------------
    def _accept_version(self, flow: str, version: Version) -> None:
        for path, name in self._files.items():
            if name == flow:
                self._accepted[path.name] = version
        write_private(self._own / "accepted.json", msgspec.json.encode(self._accepted))

    def _read_accepted(self) -> dict[str, Version]:
        try:
            data = (self._own / "accepted.json").read_bytes()
            return msgspec.json.decode(data, type=dict[str, Version])
        except (OSError, ValueError):
            return {}

    def _say(self, name: str, text: str) -> None:
        self._lines.say(name, text)
