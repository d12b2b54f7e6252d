"""The signals that ask a flow to end."""

import logging
import os
import signal
import threading
from collections.abc import Callable

log = logging.getLogger("vigie")

_asks: list[int] = []
"""The end of a pipe by which the present thread is asked; no more than one."""


def handle_signals(stop: Callable[[], None]) -> None:
    """SIGTERM and SIGINT call `stop`, which asks for a drain; a second one ends at once.

    It takes the place of an earlier `stop`.

    They do so in a thread of their own: a signal comes in the middle of anything, such as the
    writing of a log line, where what logs or takes a lock would fail, and the wish to end be lost.
    """
    asked, ask = os.pipe()

    def watch() -> None:
        with os.fdopen(asked, "rb", buffering=0) as pipe:
            if not pipe.read(1):
                return
        stop()
        log.info("stopping: making durable what was read (again to stop at once)")

    def first(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        os.write(ask, b".")

    threading.Thread(target=watch, name="signals", daemon=True).start()
    signal.signal(signal.SIGTERM, first)
    signal.signal(signal.SIGINT, first)
    while _asks:
        os.close(_asks.pop())
    _asks.append(ask)
