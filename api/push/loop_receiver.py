"""The way from the feed's thread into the event loop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

from api.push.cursor import Position
from api.push.hub import Hub
from api.push.updates import Update
from operators.events import Event

CALL_LIMIT = 5.0
"""Seconds after which a waiting feed looks whether the event loop still exists."""


class LoopReceiver:
    """A `Receiver` that acts in the event loop, one call at a time, so that nothing piles up.

    After the hub, `update_listeners` get each batch of updates; `event_listeners` get the events
    for the api itself.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._loop: asyncio.AbstractEventLoop | None = None
        self.update_listeners: list[Callable[[list[Update]], None]] = []
        self.event_listeners: list[Callable[[list[Event]], None]] = []

    def bind(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Set the event loop; None at its end, after which calls return at once."""
        self._loop = loop

    def begin(self, partition: str, position: Position) -> None:
        """A partition will be read from a position on."""
        self._call(lambda: self._hub.begin(partition, position))

    def forget(self, partitions: set[str]) -> None:
        """Partitions no longer exist."""
        self._call(lambda: self._hub.forget(partitions))

    def publish(self, updates: list[Update]) -> None:
        """Updates, in order."""
        self._call(lambda: self._publish(updates))

    def answered(self, events: list[Event]) -> None:
        """Events for the api itself."""
        self._call(lambda: self._handle(events))

    def backfilled(self) -> None:
        """Everything that was in the topics at the start has been read."""
        self._call(self._hub.backfilled.set)

    def _handle(self, events: list[Event]) -> None:
        for listener in self.event_listeners:
            listener(events)

    def _publish(self, updates: list[Update]) -> None:
        self._hub.publish(updates)
        for listener in self.update_listeners:
            listener(updates)

    def _call(self, act: Callable[[], None]) -> None:
        """Act in the event loop; return once that is done, or the loop is gone."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        done = threading.Event()

        def run() -> None:
            try:
                act()
            finally:
                done.set()

        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(run)
            while not done.wait(CALL_LIMIT) and self._loop is not None:
                continue
