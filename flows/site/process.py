"""A child process: forked from this one, or another program; its output, its news, and its end."""

import ctypes
import fcntl
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec

PR_SET_PDEATHSIG = 1
NEWS = "VIGIE_NEWS"
"""Variable of another program: the descriptor to which it writes its news, a JSON object a line."""
LAST_LINES = 12
LONGEST_LINE = 64 << 10
Tell = Callable[[Mapping[str, Any]], None]
Work = Callable[[Tell], int]
_libc = ctypes.CDLL(None, use_errno=True)


class Process:
    """A running child. It dies with this process, whatever way this one ends.

    A forked child shares what was imported here. That is safe only while this process has one
    thread. `output` and `news` are pipes to read from when they are readable.
    """

    def __init__(self, work: Work | Sequence[str]) -> None:
        self.output, output = os.pipe()
        self.news, news = os.pipe()
        self.began = time.monotonic()
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        """The last lines of its output."""
        self._parts = {self.output: b"", self.news: b""}
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _begin(work, parent, output, news)
        os.close(output)
        os.close(news)
        for pipe in (self.output, self.news):
            fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_NONBLOCK)

    def lines(self) -> Iterator[str]:
        """The whole lines that came since the last call."""
        for line in self._read(self.output):
            text = line.decode("utf-8", "replace")
            self.last.append(text)
            yield text

    def told(self) -> Iterator[Mapping[str, Any]]:
        """What it told since the last call."""
        for line in self._read(self.news):
            yield msgspec.json.decode(line, type=dict[str, Any])

    def _read(self, pipe: int) -> Iterator[bytes]:
        while True:
            try:
                data = os.read(pipe, 1 << 16)
            except BlockingIOError:
                return
            *whole, rest = (self._parts[pipe] + data).split(b"\n")
            if not data or (pipe == self.output and len(rest) > LONGEST_LINE):
                whole, rest = [*whole, *([rest] if rest else [])], b""
            self._parts[pipe] = rest
            yield from whole
            if not data:
                return

    def ask_to_end(self) -> None:
        """SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, for it and all that it started."""
        os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the pipes of a child that ended."""
        os.close(self.output)
        os.close(self.news)


def _begin(work: Work | Sequence[str], parent: int, output: int, news: int) -> NoReturn:
    """The child's first steps; never returns to the parent's code."""
    code = 70
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        die_with(parent)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        news = os.dup2(news, 3, inheritable=False)
        os.closerange(4, 1 << 16)
        if callable(work):

            def tell(message: Mapping[str, Any]) -> None:
                os.write(news, msgspec.json.encode(message) + b"\n")

            code = work(tell)
            sys.stdout.flush()
            sys.stderr.flush()
        else:
            os.set_inheritable(news, True)
            os.execve(work[0], list(work), {**os.environ, NEWS: str(news)})  # noqa: S606
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    if _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit("the supervisor ended before its child began")


def started_at(pid: int) -> str | None:
    """When a process started, as the kernel counts; None for a process that is not there.

    With its number it tells one process from a later one of the same number.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
