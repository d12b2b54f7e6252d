"""What the connections of one account cost together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from api.settings import Bounds
from api.web.budget import Budget
from api.web.close_codes import ACCOUNT_LAGS, Close

LOOK_EVERY = 0.05


class Loaded(Protocol):
    """A connection, as far as its load goes."""

    @property
    def held(self) -> int:
        """Bytes that are kept for it alone."""

    def end(self, close: Close) -> None:
        """Close the connection."""


class AccountLoad:
    """Bounds what one account can cost the others, however many connections it has.

    What is made for one connection alone is made for one connection of the account at a time, and
    only while little of the kind waits.
    """

    def __init__(self, bounds: Bounds, clock: Callable[[], float]) -> None:
        self.clients: set[Loaded] = set()
        self.budget = Budget(bounds.account_burst, bounds.account_rate, clock)
        self._most = bounds.account_size
        self._turn = asyncio.Lock()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember of the account."""
        return not self.clients and self.budget.whole

    async def pay(self, cost: float) -> None:
        """Spend units of the account, and wait until they are there; others go first."""
        self.budget.spend(cost)
        await asyncio.sleep(self.budget.pause())

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The account's turn to have something made for one of its connections."""
        async with self._turn:
            # many things make room, each at its own time
            while (pause := self.budget.pause()) or self._held() > self._most:  # noqa: ASYNC110
                await asyncio.sleep(pause or LOOK_EVERY)
            yield

    def sweep(self) -> None:
        """Close the connections for which most is kept, while it is too much together."""
        over = self._held() - self._most
        for client in sorted(self.clients, key=lambda one: one.held, reverse=True):
            if over <= 0:
                return
            over -= client.held
            client.end(ACCOUNT_LAGS)

    def _held(self) -> int:
        return sum(client.held for client in self.clients)
