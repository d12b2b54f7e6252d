"""The log of a site: the lines of all its processes, each with whose it is."""

import contextlib
import sys
import time
from typing import TextIO

import msgspec

from flows.site.log_form import Form

WIDTH = 12


class Lines:
    """Writes lines as they come; with `json` those that are no JSON are made so."""

    def __init__(self, form: Form, out: TextIO | None = None) -> None:
        self._form, self._out = form, out or sys.stderr

    def say(self, name: str, text: str) -> None:
        """A line of the supervisor about something."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        if self._form == "text":
            text = f"{stamp},{int(now % 1 * 1000):03} UP {text}"
        self.of(name, text)

    def of(self, name: str, line: str) -> None:
        """A line of a process."""
        if self._form == "text":
            self._write(f"{name:<{WIDTH}} | {line}")
            return
        try:
            entry = msgspec.json.decode(line, type=dict[str, object])
        except ValueError:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
            entry = {"time": stamp, "level": "info", "logger": "vigie.up", "message": line}
        self._write(msgspec.json.encode({"flow": name, **entry}).decode())

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a log whose disk is full ends nothing
            self._out.write(line + "\n")
            self._out.flush()
