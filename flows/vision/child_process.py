"""A process that works for a flow and ends with it; both sides of the pipe between them.

The parent writes the settings as one line of JSON, since arguments show in the list of processes,
and keeps the pipe open: its end is the child's end. The child answers in lines of JSON.
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from pydantic import BaseModel, SecretStr

from connectors.base import ConnectorContext
from connectors.runtime import steady_clock
from connectors.runtime.backoff import Backoff

log = logging.getLogger("vigie")

GRACE = 5.0
"""Seconds that a child has to end by itself."""
STEADY = 30.0
"""After so many seconds a child counts as running."""
CLOCK = "clock"
"""The setting by which the child's clock goes on from the parent's, whatever the host's says."""


def revealed(connection: BaseModel) -> dict[str, Any]:
    """A connection as plain data with its password, for the pipe and nothing else."""
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in connection.model_dump().items()
    }


class Child:
    """The child's side: settings, the wish to stop, and what it tells the flow.

    Thread-safe.
    """

    def __init__(self, source: TextIO | None = None, sink: TextIO | None = None) -> None:
        self._source = source or sys.stdin
        self._sink = sink or os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what a library prints must not be read as a message
        self._lock = threading.Lock()
        self.stopping = threading.Event()
        self.settings: dict[str, Any] = json.loads(self._source.readline() or "{}")
        if anchor := self.settings.pop(CLOCK, None):
            steady_clock.now.resume(tuple(anchor))
        with contextlib.suppress(ValueError):  # not in the main thread: a test
            signal.signal(signal.SIGTERM, lambda number, frame: self.stopping.set())
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and tells us
        self.heard: Callable[[Any], None] = lambda message: None
        """Called in another thread with what the parent says later."""
        threading.Thread(target=self._watch, name="parent", daemon=True).start()
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

    def count(self, word: str, n: int = 1) -> None:
        """Add to a counter of the source's metrics."""
        self._tell({"count": word, "n": n})

    def up(self, name: str) -> None:
        """Something the flow depends on works."""
        self._tell({"up": name})

    def down(self, name: str, detail: str) -> None:
        """Something the flow depends on does not; `detail` says why."""
        self._tell({"down": name, "detail": detail})

    def seen(self, camera: str) -> None:
        """Something was found on a picture of a camera."""
        self._tell({"seen": camera})

    def detector(self, source: str, facts: Mapping[str, str]) -> None:
        """What looks at the pictures of a source."""
        self._tell({"detector": source, "facts": dict(facts)})

    def no_cameras(self) -> None:
        """No camera is known yet, whatever an earlier process told."""
        self._tell({"cameras": 0})

    def camera(self, name: str, state: Mapping[str, Any] | None) -> None:
        """The present state of a camera; None where it is gone."""
        self._tell({"camera": name, "state": state})

    def _tell(self, message: Mapping[str, Any]) -> None:
        with self._lock:
            try:
                self._sink.write(json.dumps(message) + "\n")
                self._sink.flush()
            except (BrokenPipeError, ValueError):
                self.stopping.set()

    def _watch(self) -> None:
        while line := self._source.readline():
            self.heard(json.loads(line))
        self.stopping.set()


class ChildProcess:
    """The parent's side: runs a module as a child, and again whenever it ends.

    What the child tells goes into the metrics and the health of `context`.
    """

    def __init__(self, module: str, settings: Mapping[str, Any], context: ConnectorContext) -> None:
        self._module = module
        self._settings = settings
        self._context = context
        self._name = f"{context.name} {module.rpartition('.')[2].removesuffix('_process')}"
        self._stopping = threading.Event()
        self.seen: Callable[[str], None] = lambda camera: None
        """Called with a camera on whose picture something was found."""
        self._process: subprocess.Popen[bytes] | None = None
        self._is_told = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep_running, name=self._name, daemon=True)

    @property
    def pid(self) -> int | None:
        """Its process id; None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def say(self, message: Mapping[str, Any]) -> None:
        """Tell the child something short, if it runs and reads; it must bear not to be told."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            if self._process is not None and self._process.stdin is not None and self._is_told:
                os.write(self._process.stdin.fileno(), _line(message))

    def start(self) -> None:
        """Start it, and keep it running."""
        self._thread.start()

    def stop(self) -> None:
        """End it: asking first, then by force."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
        if self._thread.is_alive():
            self._thread.join(GRACE)

    def _keep_running(self) -> None:
        backoff = Backoff(1.0, 60.0)
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                how = f"ended with {self._run()}"
            except OSError as error:
                how = f"cannot be started: {error}"
            if self._stopping.is_set():
                return
            self._context.count("restarts", 1)
            self._context.health.degraded(self._name, f"its process {how} and is started again")
            if time.monotonic() - began > STEADY:
                backoff.reset()
            self._stopping.wait(backoff.pause())

    def _run(self) -> int:
        with self._lock:
            if self._stopping.is_set():
                return 0
            self._is_told = False
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            with self._lock, contextlib.suppress(OSError, ValueError):
                self._tell_settings(process.stdin.fileno())
            for line in process.stdout:
                self._take(line)
        return process.returncode

    def _tell_settings(self, pipe: int) -> None:
        """Write past Python's buffer: what waits there for a dead child makes closing it fail."""
        rest = _line({**self._settings, CLOCK: steady_clock.now.anchor()})
        while rest:
            rest = rest[os.write(pipe, rest) :]
        os.set_blocking(pipe, False)  # a child that is stopped shall not stop who tells it
        self._is_told = True

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            log.warning("%s: expected a message as a line of JSON, got %.200r", self._name, line)
            return
        health = self._context.health
        match message:
            case {"count": str(word), "n": int(n)}:
                self._context.count(word, n)
            case {"up": str(name)}:
                health.up(name)
                if self._name in health.down:  # it ended, and one that works was started again
                    health.up(self._name)
            case {"seen": str(camera)}:
                self.seen(camera)
            case {"detector": str(name), "facts": dict(facts)}:
                health.detectors = {**health.detectors, name: facts}
            case {"cameras": 0}:
                health.no_cameras(self._context.name)
            case {"camera": str(name), "state": state}:
                health.camera(self._context.name, name, state)
            case {"down": str(name), "detail": str(detail)}:
                health.degraded(name, detail)
            case _:
                log.warning("%s: a message that is none: %.200r", self._name, line)


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
