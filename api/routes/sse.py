"""Endpoint of the server-sent events."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from api.permissions.visibility import PUBLIC_ONLY
from api.push.connection import Client
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.sse import Stream, StreamConversation, StreamOpening, StreamTransport
from api.settings import Bounds
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected

TAG = "Live"
LONGEST_CHANNEL = 200


class StreamQuery(msgspec.Struct):
    """What to follow, and from where."""

    channels: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=8000,
            description="Channels, separated by commas: `readings`, `alarms`, …",
        ),
    ]
    cursor: (
        Annotated[str, Meta(max_length=4096, description="As the header `Last-Event-ID`.")] | None
    ) = None
    token: (
        Annotated[str, Meta(max_length=4096, description="For clients that cannot set headers.")]
        | None
    ) = None


class StreamEndpoints:
    """Answers with streams."""

    def __init__(self, hub: Hub, permissions: LivePermissions, bounds: Bounds) -> None:
        self._hub = hub
        self._permissions = permissions
        self._bounds = bounds

    def endpoints(self) -> list[Endpoint]:
        """The endpoints, for routes and document."""
        return [
            Endpoint(
                method="GET", address="/api/stream", do=self.follow, tag=TAG,
                summary="Follow channels (server-sent events)",
                query=StreamQuery, errors=(503,), media="text/event-stream", token_in_query=True,
            )
        ]  # fmt: skip

    async def follow(self, call: Call) -> Stream:
        """A stream without end of `subscribed`, `snapshot`, `event` and `end`; ids are cursors.

        Who connects again with `Last-Event-ID` gets exactly what was missed, or `"recovered":
        false` and the present state. The token may stand in `?token=`, since browsers'
        `EventSource` sets no headers.
        """
        channels = list(dict.fromkeys(filter(None, call.query.channels.split(","))))
        if not channels or len(channels) > self._bounds.channels_per_client:
            raise Rejected(
                400,
                f"expected 1 to {self._bounds.channels_per_client} channels, got {len(channels)}",
            )
        if any(len(channel) > LONGEST_CHANNEL for channel in channels):
            raise Rejected(400, f"the name of a channel has at most {LONGEST_CHANNEL} characters")
        if len(self._hub.clients) >= self._bounds.clients:
            raise Rejected(503, f"all {self._bounds.clients} places are taken; try again later")
        cursor = call.request.headers.get("last-event-id") or call.query.cursor

        async def begin(transport: StreamTransport) -> tuple[Client, Callable[[], None]]:
            client = Client(transport, self._bounds, call.who, PUBLIC_ONLY)
            self._hub.join(client)

            def leave() -> None:
                self._permissions.leave(client)
                self._hub.leave(client)

            try:
                await self._permissions.admit(client)
            except BaseException:
                leave()
                raise
            self._permissions.attach(client, StreamConversation(self._hub, client, channels))
            return client, leave

        return Stream(
            self._bounds, begin, StreamOpening(self._hub, channels, cursor, self._backfilled)
        )

    async def _backfilled(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hub.backfilled.wait(), self._bounds.resume_wait)
