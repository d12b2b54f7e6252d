"""Admission of clients: they join, see what they may, and are gone at the end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from api.accounts.principal import Principal
from api.permissions.visibility import PUBLIC_ONLY
from api.push.client import Client, Transport
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.settings import Bounds
from api.web.close_codes import TOKEN_EXPIRED, Close, account_full, server_full


class Admission:
    """The way into the hub, for WebSocket connections and streams alike."""

    def __init__(
        self, hub: Hub, permissions: LivePermissions, bounds: Bounds, most_each: int
    ) -> None:
        """`most_each`: the most clients of one account."""
        self._hub = hub
        self._most_each = most_each
        self._permissions = permissions
        self._bounds = bounds

    def refusal(self, who: Principal | None = None, arriving: int = 0) -> Close | None:
        """Why there is no place for one more client, for whom if that is known.

        `arriving` are clients that are on their way.
        """
        if len(self._hub.clients) + arriving >= self._bounds.clients:
            return server_full(self._bounds.clients)
        if who is not None and self._permissions.connections(who.id) >= self._most_each:
            return account_full(self._most_each)
        return None

    @contextlib.asynccontextmanager
    async def client(self, transport: Transport, principal: Principal) -> AsyncIterator[Client]:
        """A client of the hub, as long as the context lasts.

        It ends when its token does. It is closed already where its login has ended meanwhile.
        """
        client = Client(transport, self._bounds, principal, PUBLIC_ONLY)
        expiry = asyncio.get_running_loop().call_later(
            max(0.0, principal.expires - time.time()), client.end, TOKEN_EXPIRED
        )
        self._hub.join(client)
        try:
            await self._permissions.admit(client)
            if self._permissions.connections(principal.id) > self._most_each:
                client.end(account_full(self._most_each))
            yield client
        finally:
            expiry.cancel()
            self._permissions.leave(client)
            self._hub.leave(client)

    async def backfilled(self) -> None:
        """Wait until the topics have been read back after a start, but not for too long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hub.backfilled.wait(), self._bounds.resume_wait)
