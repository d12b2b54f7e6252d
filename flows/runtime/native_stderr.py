"""Standard error of native code, kept apart from Python's own.

Bytewax prints every exception that passes through it as a panic, with its backtrace, before
Python sees the exception again. Of a refusal an operator needs the one message only.
"""

import contextlib
import faulthandler
import fcntl
import os
import re
import sys
import threading
from typing import Self

PANIC = re.compile(rb"thread '[^']*' panicked at ")
PIPE_SIZE = 1 << 20
"""Room for a burst of output of native code that holds the interpreter meanwhile."""
STDERR = 2
LAST_WORDS = 1.0
"""Seconds to wait for a child process that writes to the same standard error."""


class NativeStderr:
    """A context in which native code's standard error is passed on, but for the engine's panic.

    From the panic's first line on, output is held back. `show` prints it, leaving the context
    forgets it. Python's `sys.stderr` is another file meanwhile: make the handler of log lines
    within.
    """

    def __enter__(self) -> Self:
        self._held = b""
        self._python = sys.stderr
        self._real = os.dup(STDERR)
        if sys.stderr is sys.__stderr__ and sys.stderr is not None:
            sys.stderr.flush()
            sys.stderr = os.fdopen(
                os.dup(self._real),
                "w",
                buffering=1,
                encoding=sys.stderr.encoding,
                errors=sys.stderr.errors,
            )
        self._tells_aborts = not faulthandler.is_enabled()
        if self._tells_aborts:  # an abort leaves no time to show what is held back
            faulthandler.enable(self._real)
        source, sink = os.pipe()
        with contextlib.suppress(OSError):
            fcntl.fcntl(sink, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        os.dup2(sink, STDERR)
        os.close(sink)
        self._thread = threading.Thread(
            target=self._pass_on, args=(source,), name="native stderr", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._take_back()
        sys.stderr = self._python
        if self._tells_aborts:
            faulthandler.disable()
        os.close(self._real)

    def show(self) -> None:
        """Print what was held back; native code prints directly from now on."""
        self._take_back()
        os.write(self._real, self._held)
        self._held = b""

    def _take_back(self) -> None:
        os.dup2(self._real, STDERR)
        self._thread.join(LAST_WORDS)

    def _pass_on(self, source: int) -> None:
        holds = False
        with open(source, "rb") as lines:
            for line in lines:
                holds = holds or PANIC.search(line) is not None
                if holds:
                    self._held += line
                else:
                    os.write(self._real, line)
