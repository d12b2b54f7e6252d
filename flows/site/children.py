"""The processes of a supervisor: started, listened to, reaped, and found again after a kill."""

import contextlib
import importlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from connectors.runtime.private_files import write_private
from flows.language.catalogue import kinds
from flows.site.process import Process, Work, started_at

News = Callable[[Mapping[str, Any]], None]
USED = (
    "connectors.kafka.log.topic_log",
    "connectors.kafka.poller",
    "connectors.mqtt.receiver",
    "connectors.email.writer",
)
"""Modules that most flows load only once they run. None of them starts a thread."""


def preload() -> None:
    """Load what most flows use, every component too, so that each child has it and shares it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts threads by default
    kinds()
    for name in USED:
        importlib.import_module(name)


class Children:
    """All processes that run, by number, with what is done with their lines and their news."""

    def __init__(
        self, selector: selectors.BaseSelector, file: Path, line: Callable[[str, str], None]
    ) -> None:
        self._selector, self._file, self._line = selector, file, line
        self._running: dict[int, Process] = {}

    def start(self, name: str, work: Work | Sequence[str], told: News) -> Process:
        """Start a process; its lines are said under `name`."""
        process = Process(work)

        def output(_: object) -> None:
            for line in process.lines():
                self._line(name, line)

        def news(_: object) -> None:
            for message in process.told():
                told(message)

        self._selector.register(process.output, selectors.EVENT_READ, output)
        self._selector.register(process.news, selectors.EVENT_READ, news)
        self._running[process.pid] = process
        pids = {pid: started_at(pid) for pid in self._running}
        with contextlib.suppress(OSError):  # the disk is full; the kernel ends orphans, too
            write_private(self._file, msgspec.json.encode(pids))
        return process

    def ended(self) -> Iterator[tuple[Process, int]]:
        """The processes that ended, and how; as process 1, those of nobody are buried, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            process = self._running.pop(pid, None)
            if process is None:
                continue
            for pipe in (process.output, process.news):
                self._selector.get_key(pipe).data(pipe)
                self._selector.unregister(pipe)
            process.close()
            yield process, os.waitstatus_to_exitcode(status)

    def end_orphans(self, say: Callable[[str], None]) -> None:
        """End what an earlier supervisor left; the kernel has done it where it could."""
        try:
            pids = msgspec.json.decode(self._file.read_bytes(), type=dict[int, str | None])
        except (OSError, msgspec.MsgspecError):
            return
        for pid, began in pids.items():
            if began is None or started_at(pid) != began:
                continue
            say(f"process {pid} of an earlier start still runs: it is ended")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            while started_at(pid) == began:
                time.sleep(0.02)
