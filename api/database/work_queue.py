"""A queue of work on the database, fed from the event loop."""

import asyncio
import collections
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
MOST = 50_000
_log = logging.getLogger("vigie.api")


class WorkQueue(Generic[Item]):
    """Items in order; each stays until its work has succeeded, so that a retry finds it again."""

    def __init__(self) -> None:
        self._items: collections.deque[Item] = collections.deque()
        self._added = asyncio.Event()
        self.lost = 0

    def put(self, item: Item) -> None:
        """Add an item. Beyond `MOST`, the newest are lost: the oldest may be under way."""
        if len(self._items) >= MOST:
            if self.lost == 0:
                _log.error("more than %d changes wait for the database; others are lost", MOST)
            self.lost += 1
            return
        self._items.append(item)
        self._added.set()

    async def run(self, work: Callable[[list[Item]], Awaitable[None]], at_once: int) -> None:
        """Work on at most `at_once` items at a time, for ever."""
        while True:
            if not self._items:
                await self._added.wait()
            self._added.clear()
            while batch := list(itertools.islice(self._items, at_once)):
                await work(batch)
                for _ in batch:
                    self._items.popleft()
