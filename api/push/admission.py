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
from api.web.close_codes import TOKEN_EXPIRED


class Admission:
    """The way into the hub, for WebSocket connections and streams alike."""

    def __init__(self, hub: Hub, permissions: LivePermissions, bounds: Bounds) -> None:
        self._hub = hub
        self._permissions = permissions
        self._bounds = bounds

    def full(self, arriving: int = 0) -> bool:
        """Whether the server has as many clients as it takes, with those that are on their way."""
        return len(self._hub.clients) + arriving >= self._bounds.clients

    @contextlib.asynccontextmanager
    async def client(
        self, transport: Transport, principal: Principal, anonymous: bool = False
    ) -> AsyncIterator[Client]:
        """A client of the hub, as long as the context lasts.

        It ends when its token does. It is closed already where its login has ended meanwhile.
        """
        client = Client(transport, self._bounds, principal, PUBLIC_ONLY)
        expiry = asyncio.get_running_loop().call_later(
            max(0.0, principal.expires - time.time()), client.end, TOKEN_EXPIRED
        )
        self._hub.join(client)
        try:
            if not anonymous:
                await self._permissions.admit(client)
            yield client
        finally:
            expiry.cancel()
            self._permissions.leave(client)
            self._hub.leave(client)

    async def backfilled(self) -> None:
        """Wait until the topics have been read back after a start, but not for too long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hub.backfilled.wait(), self._bounds.resume_wait)
