"""A running worker process, as its parent holds it: neither reading nor writing blocks."""

import contextlib
import queue
import subprocess
import sys
import threading
from typing import Final

import msgspec
from msgspec import Struct

from connectors.detector.worker_messages import Answer, Setup, answer_decoder, read, write

MODULE = "connectors.detector.worker_process"


class Ended(Struct, frozen=True):
    """The process is no more; `status` is its exit code, negative for a signal."""

    status: int


class Wake(Struct, frozen=True):
    """Nothing came: look at what there is to wait for."""


Event = Answer | Ended | Wake
WAKE: Final = Wake()


class WorkerPipe:
    """One process; what it answers, and that it ended, comes into `events`."""

    def __init__(self, setup: Setup) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._outgoing: queue.SimpleQueue[Struct | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.pid = self._process.pid
        self._threads = [
            threading.Thread(target=each, name=f"detector {self.pid}", daemon=True)
            for each in (self._read, self._write)
        ]
        self.send(setup)
        for thread in self._threads:
            thread.start()

    def send(self, message: Struct) -> None:
        """Queue a message."""
        self._outgoing.put(message)

    def next_event(self, timeout: float) -> Event | None:
        """What came; None after `timeout` seconds without anything."""
        try:
            return self.events.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return None

    def kill(self) -> None:
        """End it by force, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        self._outgoing.put(None)
        for thread in self._threads:
            thread.join(5)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError, msgspec.DecodeError):
            while (answer := read(self._process.stdout, answer_decoder)) is not None:
                self.events.put(answer)
        self._process.kill()  # one that writes what is no message is of no use
        self.events.put(Ended(self._process.wait()))

    def _write(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            while (message := self._outgoing.get()) is not None:
                write(self._process.stdin, message)
