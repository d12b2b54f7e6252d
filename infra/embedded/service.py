"""Embedded services: child processes on loopback ports, with data, log and secrets in a folder.

    with Clickhouse("data/clickhouse") as clickhouse:     # started and ready
        clickhouse.kill()                                  # kill -9
        clickhouse.restart()                               # same port, same data

A service dies with the program that started it, whatever way that program ends.
"""

import json
import os
import pwd
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, ClassVar, Self

from infra.embedded import child
from infra.embedded.ports import HOST, free_port, is_free

TAIL_LINES = 25
PORT_TRIES = 5

# A child's death signal fires when the thread that started it ends, so one thread that lives as
# long as we do starts all.
_launcher = ThreadPoolExecutor(1, thread_name_prefix="embedded services")


class ServiceError(Exception):
    """A service did not do what it should; the message holds the end of its log and the remedy."""


class Unavailable(ServiceError):
    """The program of a service is not installed; the message says what to install."""


class Service:
    """One service; subclasses give `command`, `prepare` and `probe`."""

    NAME: ClassVar[str]
    STARTUP: ClassVar[float] = 120.0
    USER: ClassVar[str] = ""
    """System user to run as when we are root."""

    def __init__(self, folder: Path | str, port: int | None = None) -> None:
        """Use `folder` for all the service keeps, and `port`, or any free one if it is None."""
        self.folder = Path(folder).resolve()
        self.log = self.folder / "log.txt"
        self._port = port
        self._port_is_ours = port is None
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run on this machine (what to install), or None when it can."""
        return None

    def command(self) -> list[str]:
        """Program and arguments. No secrets in here: everybody on the machine sees them."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Variables for the program besides our own; the place for its secrets."""
        return {}

    def prepare(self) -> None:
        """Write what must be there before the program starts; runs at every start."""

    def probe(self) -> None:
        """Return when the service answers; raises `OSError` or `ServiceError` while it does not."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """The port, chosen at the first use and kept."""
        if self._port is None:
            self._port = free_port()
        return self._port

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id while the service runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_status(self) -> int | None:
        """Exit status of the ended program (negative: the signal that ended it); None before."""
        return self._process.poll() if self._process else None

    def start(self) -> Self:
        """Prepare and start the program; raises `ServiceError` and `Unavailable`.

        `wait_ready` says when it answers.
        """
        if reason := self.missing():
            raise Unavailable(f"{self.NAME} cannot run here: {reason}")
        if self.pid:
            return self
        if not self._port_is_ours and not is_free(self.port):
            raise ServiceError(f"{self.NAME}: {_taken(self.port)}")
        self._make_folder()
        self.prepare()
        self._launch()
        return self

    def wait_ready(self, timeout: float | None = None) -> Self:
        """Wait until the service answers, at most `timeout` seconds; raises `ServiceError`.

        The error holds the end of its log.
        """
        limit = self.STARTUP if timeout is None else timeout
        deadline = time.monotonic() + limit
        tries = 1
        while True:
            why: Exception | None = None
            if self._process is not None and self._process.poll() is None:
                try:
                    self.probe()
                except (OSError, ServiceError) as error:
                    why = error
                else:
                    if self._process.poll() is None:
                        self._port_is_ours = False
                        return self
            if self._process is None or self._process.poll() is not None:
                if (
                    self._port_is_ours
                    and self._port
                    and not is_free(self._port)
                    and tries < PORT_TRIES
                ):
                    tries += 1
                    self._port = free_port()
                    self.prepare()
                    self._launch()
                    continue
                raise ServiceError(self._failure("ended instead of starting"))
            if time.monotonic() > deadline:
                raise ServiceError(
                    self._failure(f"did not answer within {limit:g} s (last try: {why})")
                )
            time.sleep(0.02)

    def stop(self, timeout: float = 60.0) -> None:
        """Ask the program to end and wait; raises `ServiceError` if it had to be killed.

        That happens after `timeout` seconds.
        """
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServiceError(
                self._failure(f"did not end within {timeout:g} s after SIGTERM and was killed")
            ) from None

    def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut would."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def restart(self, timeout: float | None = None) -> Self:
        """Stop it if it runs, start it again on the same port and folder, and wait for it."""
        self.stop()
        return self.start().wait_ready(timeout)

    def __enter__(self) -> Self:
        try:
            return self.start().wait_ready()
        except BaseException:
            self.kill()
            raise

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {HOST}:{self._port} {'running' if self.pid else 'stopped'}>"

    def secret(self, name: str) -> str:
        """The service's random secret of that name, made once and kept in its folder (0600)."""
        path = self.folder / "secrets.json"
        self._make_folder()
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in kept:
            kept[name] = secrets.token_urlsafe(24)
            write_private(path, json.dumps(kept))
        return kept[name]

    def lines(self) -> list[str]:
        """What the program has written to its log since the last start."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._log_start)
                return file.read().decode("utf-8", "replace").splitlines()
        except OSError as error:
            return [f"(no log: {error})"]

    def tail(self) -> str:
        """The last lines of that, for an error message."""
        return (
            "\n".join(f"  | {line}" for line in self.lines()[-TAIL_LINES:])
            or "  (its log is empty)"
        )

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def run_as(self) -> str:
        """The system user the program runs as: `USER` if we are root and it reaches the folder.

        Otherwise our own user (empty text).
        """
        if not self.USER or os.geteuid() != 0:
            return ""
        return (
            self.USER
            if all(parent.stat().st_mode & 0o001 for parent in self.folder.parents)
            else ""
        )

    def give_folder(self) -> None:
        """Let the user the program runs as own the folder and what lies directly in it."""
        if user := self.run_as():
            entry = pwd.getpwnam(user)
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, entry.pw_uid, entry.pw_gid)

    def _launch(self) -> None:
        command = [
            sys.executable,
            "-I",
            "-S",
            child.__file__,
            str(os.getpid()),
            self.run_as(),
            *self.command(),
        ]
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            self._log_start = log.tell()
            self._process = _launcher.submit(self._spawn, command, log).result()

    def _spawn(self, command: list[str], log: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, **self.environment()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _failure(self, what: str) -> str:
        code = self._process.poll() if self._process else None
        ended = "" if code is None else f" (exit status {code})"
        remedy = f"{_taken(self.port)}\n" if code is not None and not is_free(self.port) else ""
        return (
            f"{self.NAME} on {self.address} {what}{ended}.\n{remedy}"
            f"The end of its log, {self.log}:\n{self.tail()}\n"
            f"Mend what the log names, or start with another data folder than {self.folder}."
        )


def each(services: Iterable[Service], action: Callable[[Service], object]) -> None:
    """Do it with all services at the same time, and wait; then raise the first error there was."""
    threads = ThreadPoolExecutor(16)
    try:
        results = [threads.submit(action, service) for service in services]
        errors = [error for result in results if (error := result.exception())]
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
    if errors:
        raise errors[0]


def _taken(port: int) -> str:
    return (
        f"port {port} on {HOST} is taken by another program; stop that program or choose another"
        " port"
    )


def write_private(path: Path, text: str) -> None:
    """Write a file only we can read (mode 0600), whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    part.replace(path)
