"""What every kind of client has in common for the hub: how an update is written to it."""

from typing import Protocol

from api.push.updates import Update


class Dialect(Protocol):
    """How one kind of client is spoken to. `name` marks frames that all its speakers share.

    With `once` an event that goes to several channels of a client is written to it once.
    """

    name: str
    once: bool

    def encode(self, update: Update) -> bytes | None:
        """The frame of one update as it goes over the wire; None if this dialect does not carry
        it.
        """
