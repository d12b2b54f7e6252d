"""How the broker's clients find their sockets; without the client library, for who only checks.

kafka-python asks for what is registered before it registers anything. The standard library then
describes the socket in an error that nobody sees, and asks the kernel for both its addresses.
"""

import selectors
from typing import Any


class QuickSelector(selectors.DefaultSelector):
    """Says that a socket isn't registered without describing it."""

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """What is registered; raises `KeyError`."""
        number = fileobj.fileno()
        if number < 0:
            return super().get_key(fileobj)
        found: selectors.SelectorKey = self._fd_to_key[number]  # type: ignore[attr-defined]
        return found
