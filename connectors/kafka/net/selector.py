"""How the broker's clients find their sockets; without the client library, for who only checks.

kafka-python asks for what is registered before it registers anything. The standard library then
describes the socket in an error that nobody sees, and asks the kernel for both its addresses.
"""

import math
import selectors
import time
from typing import Any

LOOK_AGAIN = 0.001
"""Seconds for which nobody looks at the sockets again without waiting: the client does so before
each of the small tasks that an answer makes.
"""


class QuickSelector(selectors.DefaultSelector):
    """Says that a socket isn't registered without describing it."""

    _looked = -math.inf

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """What is registered; raises `KeyError`."""
        number = fileobj.fileno()
        if number < 0:
            return super().get_key(fileobj)
        found: selectors.SelectorKey = self._fd_to_key[number]  # type: ignore[attr-defined]
        return found

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready within the time; nothing, where it was looked at just now."""
        if timeout == 0 and time.monotonic() - self._looked < LOOK_AGAIN:
            return []
        found = super().select(timeout)
        self._looked = time.monotonic()
        return found
