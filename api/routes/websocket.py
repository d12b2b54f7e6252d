"""WebSocket connections: who is there, what they say, and when they end."""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from api.accounts.accounts import Accounts
from api.accounts.principal import Principal
from api.accounts.tokens import TokenError
from api.compat.alarm_server import AlarmServerConversation
from api.compat.video_watch import VideoWatchConversation, VideoWatchProtocol
from api.metrics import Metrics
from api.pages.service import PageService
from api.permissions.visibility import PUBLIC_ONLY
from api.push.connection import Client
from api.push.frames import text_frame
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.protocol import (
    PUSH,
    BadMessage,
    Conversation,
    PushConversation,
    RawConversation,
)
from api.push.sse import SSE, heartbeat
from api.settings import Settings
from api.web.close_codes import BAD_MESSAGE, FORBIDDEN, TRY_LATER, UNAUTHORIZED
from api.web.origin import may_connect

SUBPROTOCOL = "vigie.push.v1"
BEARER = "bearer."
ANONYMOUS = Principal(0, "", "viewer", expires=math.inf)
Open = Callable[[Client], Conversation]


class CloseConnection(Exception):
    """This end closes the connection with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class AnonymousSubscriber(Exception):
    """A client that need not say who it is began by subscribing; `text` is what it said."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class WebSocketEndpoints:
    """Serves the WebSocket endpoints."""

    def __init__(
        self,
        accounts: Accounts,
        permissions: LivePermissions,
        hub: Hub,
        service: PageService,
        video_watch: VideoWatchProtocol,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._logins = accounts.logins
        self._permissions = permissions
        self._service = service
        self._hub = hub
        self._video_watch = video_watch
        self._metrics = metrics
        self._bounds = settings.bounds
        self._origins = frozenset(settings.section.origins)
        self._arriving = 0
        self._most_each = settings.section.connections_per_account
        self._anonymous = settings.section.anonymous is not None

    async def push(self, websocket: WebSocket) -> None:
        """`/ws`: Vigie's own dialect for clients that offer its subprotocol, or begin by `auth`.

        The others are spoken to as the alarm server did if the token stands in the address
        (`?token=`), and as the video watch did if it stands in the `Authorization` header.
        """
        offered = websocket.scope["subprotocols"]
        own = SUBPROTOCOL in offered
        in_address = websocket.query_params.get("token", "")
        if not await self._accept(websocket, SUBPROTOCOL if own else None):
            return
        if own:
            token = next((name[len(BEARER) :] for name in offered if name.startswith(BEARER)), "")
            await self._serve(websocket, token, True, self._push_conversation)
        elif in_address:
            await self._serve(websocket, in_address, False, self._alarm_conversation)
        elif "authorization" in websocket.headers:
            await self._serve(websocket, "", False, self._watch_conversation)
        else:
            await self._serve(websocket, "", True, self._push_conversation, self._anonymous)

    async def raw(self, websocket: WebSocket) -> None:
        """`/ws/raw/{channel}`: nothing but data after the token.

        The token stands in the Authorization header or in `?token=`.
        """
        if not await self._accept(websocket, None):
            return
        channel = websocket.path_params["channel"]
        token = websocket.query_params.get("token", "")
        await self._serve(
            websocket, token, False, lambda client: self._raw_conversation(client, channel)
        )

    async def beat(self) -> None:
        """Tell subscribers every few seconds that the connection is alive, and where they are."""
        while True:
            await asyncio.sleep(self._bounds.heartbeat)
            text = f'{{"type":"heartbeat","cursor":"{self._hub.cursor}","time":{time.time():.3f}}}'
            self._hub.send_all(PUSH.name, text_frame(text))
            self._hub.send_all(SSE.name, heartbeat(self._hub.cursor))

    def _push_conversation(self, client: Client) -> Conversation:
        return PushConversation(
            self._hub, client, self._bounds.channels_per_client, self._backfilled
        )

    def _alarm_conversation(self, client: Client) -> Conversation:
        return AlarmServerConversation(
            self._hub, client, self._service, self._video_watch, self._bounds.channels_per_client
        )

    def _watch_conversation(self, client: Client) -> Conversation:
        return VideoWatchConversation(
            self._hub, client, self._video_watch, self._bounds.channels_per_client
        )

    def _raw_conversation(self, client: Client, channel: str) -> Conversation:
        if not client.visibility.allows_channel(channel):
            raise CloseConnection(FORBIDDEN, "this account may not see that channel")
        return RawConversation(self._hub, client, channel)

    async def _backfilled(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hub.backfilled.wait(), self._bounds.resume_wait)

    async def _accept(self, websocket: WebSocket, subprotocol: str | None) -> bool:
        """Accept a connection unless it is a page of another site that asks."""
        if not may_connect(websocket.headers, self._origins):
            self._metrics.closed.labels("origin").inc()
            await websocket.close()
            return False
        await websocket.accept(subprotocol)
        return True

    async def _serve(
        self,
        websocket: WebSocket,
        token: str,
        first_message: bool,
        open_: Open,
        anonymous: bool = False,
    ) -> None:
        try:
            if len(self._hub.clients) + self._arriving >= self._bounds.clients:
                raise CloseConnection(
                    TRY_LATER, f"all {self._bounds.clients} places are taken; try again later"
                )
            try:
                self._arriving += 1
                try:
                    principal = await self._who(websocket, token, first_message, anonymous)
                finally:
                    self._arriving -= 1
                if self._permissions.connections(principal.id) >= self._most_each:
                    raise CloseConnection(
                        TRY_LATER, f"this account has {self._most_each} connections already"
                    )
            except AnonymousSubscriber as first:
                await self._talk(websocket, ANONYMOUS, self._watch_conversation, first.text)
            else:
                await self._talk(websocket, principal, open_)
        except CloseConnection as end:
            self._metrics.closed.labels(str(end.code)).inc()
            websocket.scope["extensions"]["vigie.transport"].end(
                end.code, end.reason, self._bounds.close_grace
            )
        except (WebSocketDisconnect, RuntimeError) as gone:
            if (
                isinstance(gone, RuntimeError)
                and websocket.client_state is WebSocketState.CONNECTED
            ):
                raise

    async def _who(
        self, websocket: WebSocket, token: str, first_message: bool, anonymous: bool
    ) -> Principal:
        scheme, _, in_header = websocket.headers.get("authorization", "").partition(" ")
        if scheme and scheme.lower() != "bearer":
            raise CloseConnection(UNAUTHORIZED, "the Authorization header must be: Bearer TOKEN")
        token = in_header or token
        if first_message and not token:
            token = await self._first_message(websocket, anonymous)
        if not token:
            raise CloseConnection(UNAUTHORIZED, "no token; log in at /api/auth/login")
        try:
            return self._logins.claimed_principal(token.strip())
        except TokenError as error:
            raise CloseConnection(UNAUTHORIZED, str(error)) from None

    async def _first_message(self, websocket: WebSocket, anonymous: bool) -> str:
        try:
            async with asyncio.timeout(self._bounds.auth_deadline):
                text = await _text(websocket)
            message = json.loads(text)
        except TimeoutError:
            raise CloseConnection(
                UNAUTHORIZED, f"no token within {self._bounds.auth_deadline:g} s"
            ) from None
        except (ValueError, RecursionError):
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "subscribe" and anonymous:
            raise AnonymousSubscriber(text)
        token = message.get("token") if kind == "auth" else None
        if not isinstance(token, str):
            raise CloseConnection(
                UNAUTHORIZED, 'the first message must be {"type":"auth","token":"..."}'
            )
        return token

    async def _talk(
        self, websocket: WebSocket, principal: Principal, open_: Open, first: str | None = None
    ) -> None:
        transport = websocket.scope["extensions"]["vigie.transport"]
        client = Client(transport, self._bounds, principal, PUBLIC_ONLY)
        transport.on_writable = client.drain
        expiry = asyncio.get_running_loop().call_later(
            max(0.0, principal.expires - time.time()),
            client.end,
            UNAUTHORIZED,
            "the token has expired; log in again",
        )
        self._hub.join(client)
        try:
            if principal is not ANONYMOUS:
                await self._permissions.admit(client)
                if client.closed:
                    return
            conversation = open_(client)
            self._permissions.attach(client, conversation)
            await conversation.start()
            while True:
                text, first = await _text(websocket) if first is None else first, None
                try:
                    await conversation.receive(text)
                except BadMessage as refusal:
                    conversation.send_error(str(refusal))
        finally:
            expiry.cancel()
            transport.on_writable = None
            self._permissions.leave(client)
            self._hub.leave(client)
            if client.closed:
                self._metrics.closed.labels(str(client.closed)).inc()


async def _text(websocket: WebSocket) -> str:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text = message.get("text")
    if text is None:
        raise CloseConnection(BAD_MESSAGE, "binary messages are not understood; send text")
    return str(text)
