"""How many requests may wait for services outside at once: of one account, and in all.

Each holds a thread until a store, a flow or a camera answers. Without a bound, whoever asks for
much, or for what takes long, has all of them, and nobody else can even log in.
"""

import asyncio
import collections
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MOST = 32
MOST_EACH = 8
MOST_WAITING = 100
"""Requests of one account that wait for its turns; beyond, they are refused."""
THREADS = MOST + 16
"""Of the event loop: those that are left when all turns are taken are for logins and rights."""


class TooManyAtOnce(Exception):
    """The account has to wait for answers to what it asked before."""

    def __init__(self) -> None:
        super().__init__(
            f"{MOST_EACH + MOST_WAITING} requests of this account wait for answers; ask again when"
            " some have come"
        )


class Turns:
    """The turns of all accounts. Lives in the event loop."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(MOST)
        self._each: dict[str, asyncio.Semaphore] = {}
        self._here: collections.Counter[str] = collections.Counter()

    @asynccontextmanager
    async def turn(self, account: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it. Raises `TooManyAtOnce`."""
        if self._here[account] >= MOST_EACH + MOST_WAITING:
            raise TooManyAtOnce
        self._here[account] += 1
        own = self._each.setdefault(account, asyncio.Semaphore(MOST_EACH))
        try:
            async with own, self._all:
                yield
        finally:
            self._here[account] -= 1
            if not self._here[account]:
                del self._here[account], self._each[account]
