"""What a client gets first of the channels that it asks for: what it missed, or their state."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from api.push.client import Client
from api.push.cursor import Position
from api.push.hub import Dropped, Hub
from api.push.updates import ClientProtocol
from api.web.budget import SIZE

SLICE = 2.0
"""Units for a slice of what was missed."""
RESERVE = 100.0
"""Units that a client keeps for its next message while it waits for snapshots."""


class Opening:
    """Begins subscriptions of one client, so that nothing is lost or doubled at their beginning.

    `snapshot` makes the frame of a channel's state. Each is made when the one before has been
    taken and paid for; meanwhile others go on.
    """

    def __init__(
        self,
        hub: Hub,
        client: Client,
        protocol: ClientProtocol,
        snapshot: Callable[[str, str], bytes],
        backfilled: Callable[[], Awaitable[None]],
    ) -> None:
        """`backfilled` waits until the topics have been read back after a start."""
        self._hub = hub
        self._client = client
        self._protocol = protocol
        self._snapshot = snapshot
        self._backfilled = backfilled

    async def missed(
        self, positions: dict[str, Position], channels: Iterable[str]
    ) -> list[bytes] | None:
        """The frames that came after a cursor; None if some are gone. Subscribe at once then."""
        await self._backfilled()
        frames: list[bytes] = []
        slices = self._hub.missed(positions, channels, self._client.visibility)
        if slices is None:
            return None
        try:
            for updates, more in slices:
                frames += [
                    data for one in updates if (data := one.frame(self._protocol)) is not None
                ]
                if more:
                    self._client.budget.spend(SLICE)
                    await self._client.load.pay(SLICE)
                if self._client.closed:
                    return None
        except Dropped:
            return None
        return frames

    async def snapshots(self, new: Iterable[str], subscribe: Callable[[str], Any]) -> None:
        """Send the state of each channel, and have it followed from then on by `subscribe`."""
        client = self._client
        for channel in new:
            await client.room()
            async with client.load.turn():
                if client.closed:
                    return
                if not client.visibility.allows_channel(channel):
                    continue
                data = self._hub.snapshot(channel, client.visibility)
                client.send(self._snapshot(channel, data))
                subscribe(channel)
                cost = self._hub.snapshot_cost(channel) + len(data) / SIZE
                client.budget.spend(cost)
            await client.load.pay(cost)
            if pause := client.budget.pause(RESERVE if cost > 1 else 0.0):
                await asyncio.sleep(pause)
