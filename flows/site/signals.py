"""The signals that ask a flow to end."""

import logging
import os
import signal
import threading
from collections.abc import Callable

log = logging.getLogger("vigie")


def handle_signals(stop: Callable[[], None]) -> None:
    """SIGTERM and SIGINT call `stop`, which asks for a drain; a second one ends at once.

    They do so in a thread of their own: a signal comes in the middle of anything, such as the
    writing of a log line, where what logs or takes a lock would fail, and the wish to end be lost.
    """
    asked, ask = os.pipe()

    def watch() -> None:
        os.read(asked, 1)
        stop()
        log.info("stopping: making durable what was read (again to stop at once)")

    def first(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        os.write(ask, b".")

    threading.Thread(target=watch, name="signals", daemon=True).start()
    signal.signal(signal.SIGTERM, first)
    signal.signal(signal.SIGINT, first)
