"""The endpoint of server-sent events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import msgspec
from msgspec import Meta

from api.push.admission import Admission
from api.push.client import Client
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.protocol import LONGEST_CHANNEL
from api.push.sse import Stream, StreamConversation, StreamOpening, StreamTransport
from api.secret_repr import redacted
from api.settings import Settings
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected

TAG = "Live"


class StreamQuery(msgspec.Struct):
    """The channels to follow, and from where."""

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
    ticket: (
        Annotated[str, Meta(max_length=100, description="In a token's place (`POST /api/ticket`).")]
        | None
    ) = None

    __repr__ = redacted


class StreamEndpoints:
    """Answer with streams."""

    def __init__(self, hub: Hub, permissions: LivePermissions, settings: Settings) -> None:
        bounds = settings.bounds
        self._hub = hub
        self._permissions = permissions
        self._admission = Admission(
            hub, permissions, bounds, settings.section.connections_per_account
        )
        self._bounds = bounds

    def endpoints(self) -> list[Endpoint]:
        """The stream."""
        return [
            Endpoint(
                "GET",
                "/api/stream",
                self.follow,
                TAG,
                "Follow channels (server-sent events)",
                query=StreamQuery,
                errors=(503,),
                media="text/event-stream",
                token_in_query=True,
            )
        ]

    async def follow(self, call: Call) -> Stream:
        """An endless stream of `subscribed`, `snapshot`, `event` and `end`; every id is a cursor.

        Clients that reconnect with `Last-Event-ID` get exactly what they missed, or `"recovered":
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
        if full := self._admission.refusal(call.who):
            raise Rejected(503, full.reason)
        cursor = call.request.headers.get("last-event-id") or call.query.cursor

        @asynccontextmanager
        async def admit(transport: StreamTransport) -> AsyncIterator[Client]:
            async with self._admission.client(transport, call.who) as client:
                conversation = StreamConversation(self._hub, client, opening)
                self._permissions.attach(client, conversation)
                yield client

        opening = StreamOpening(self._hub, channels, cursor, self._admission.backfilled)
        return Stream(self._bounds, admit, opening)
