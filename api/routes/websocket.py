"""WebSocket connections: which protocol each speaks, who it is, what it says, and when it ends."""

import asyncio
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
from api.database.database import DatabaseDown
from api.metrics import Metrics
from api.pages.service import PageService
from api.push.admission import Admission
from api.push.client import Client
from api.push.frames import text_frame
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.protocol import PUSH, BadMessage, Conversation, PushConversation, RawConversation
from api.push.sse import SSE, heartbeat
from api.settings import Settings
from api.web.budget import ARRIVAL, message_cost
from api.web.close_codes import (
    BINARY_MESSAGE,
    CHANNEL_FORBIDDEN,
    NO_AUTH_MESSAGE,
    NO_TOKEN,
    NOT_BEARER,
    TRY_AGAIN_LATER,
    Close,
    no_token_within,
    unauthorized,
)
from api.web.origin import may_connect
from api.web.uvicorn_server import TRANSPORT

SUBPROTOCOL = "vigie.push.v1"
BEARER = "bearer."
ANONYMOUS = Principal("", "", "viewer", expires=math.inf)
Open = Callable[[Client], Conversation]


class CloseConnection(Exception):
    """This end closes the connection."""

    def __init__(self, close: Close) -> None:
        super().__init__(close.reason)
        self.close = close


class AnonymousSubscriber(Exception):
    """A client that need not authenticate began by subscribing, with the message `text`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class WebSocketEndpoints:
    """Serve `/ws` and `/ws/raw`."""

    def __init__(
        self,
        accounts: Accounts,
        permissions: LivePermissions,
        hub: Hub,
        pages: PageService,
        video_watch: VideoWatchProtocol,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._logins = accounts.logins
        self._permissions = permissions
        self._pages = pages
        self._hub = hub
        self._video_watch = video_watch
        self._metrics = metrics
        self._bounds = settings.bounds
        self._admission = Admission(
            hub, permissions, settings.bounds, settings.section.connections_per_account
        )
        self._origins = frozenset(settings.section.origins)
        self._authenticating = 0
        self._anonymous = settings.section.anonymous is not None

    async def push(self, websocket: WebSocket) -> None:
        """`/ws`: the push protocol for clients that offer its subprotocol, or begin with `auth`.

        The other protocols are those of `api.compat`: `alarm_server` if the token stands in the
        address (`?token=`), `video_watch` if it stands in the `Authorization` header.
        """
        offered = websocket.scope["subprotocols"]
        own = SUBPROTOCOL in offered
        query = websocket.query_params
        in_address = query.get("token", "")
        if not await self._accept(websocket, SUBPROTOCOL if own else None):
            return
        if own:
            token = next((name[len(BEARER) :] for name in offered if name.startswith(BEARER)), "")
            await self._serve(websocket, token, True, self._push_conversation)
        elif in_address or "ticket" in query:
            await self._serve(websocket, in_address, False, self._alarm_server_conversation)
        elif "authorization" in websocket.headers:
            await self._serve(websocket, "", False, self._video_watch_conversation)
        else:
            await self._serve(websocket, "", True, self._push_conversation, self._anonymous)

    async def raw(self, websocket: WebSocket) -> None:
        """`/ws/raw/{channel}`: the data of one channel and nothing else.

        The token stands in the `Authorization` header or in `?token=`. Where the site allows
        anonymous viewers, none is needed for what belongs to no page.
        """
        if not await self._accept(websocket, None):
            return
        channel = websocket.path_params["channel"]
        token = websocket.query_params.get("token", "")
        await self._serve(
            websocket,
            token,
            False,
            lambda client: self._raw_conversation(client, channel),
            self._anonymous,
        )

    async def send_heartbeats(self) -> None:
        """Tell subscribers every few seconds that the connection is alive, and their cursor."""
        while True:
            await asyncio.sleep(self._bounds.heartbeat)
            text = f'{{"type":"heartbeat","cursor":"{self._hub.cursor}","time":{time.time():.3f}}}'
            self._hub.send_all(PUSH.name, text_frame(text))
            self._hub.send_all(SSE.name, heartbeat(self._hub.cursor))

    def _push_conversation(self, client: Client) -> Conversation:
        return PushConversation(
            self._hub, client, self._bounds.channels_per_client, self._admission.backfilled
        )

    def _alarm_server_conversation(self, client: Client) -> Conversation:
        return AlarmServerConversation(
            self._hub, client, self._pages, self._video_watch, self._bounds.channels_per_client
        )

    def _video_watch_conversation(self, client: Client) -> Conversation:
        return VideoWatchConversation(
            self._hub, client, self._video_watch, self._bounds.channels_per_client
        )

    def _raw_conversation(self, client: Client, channel: str) -> Conversation:
        if not client.visibility.allows_channel(channel):
            raise CloseConnection(CHANNEL_FORBIDDEN)
        return RawConversation(self._hub, client, channel)

    async def _accept(self, websocket: WebSocket, subprotocol: str | None) -> bool:
        """Accept a connection, unless a page of another site asks for it."""
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
            if full := self._admission.refusal(arriving=self._authenticating):
                raise CloseConnection(full)
            try:
                principal = await self._authenticate(websocket, token, first_message, anonymous)
            except AnonymousSubscriber as first:
                await self._talk(websocket, ANONYMOUS, self._video_watch_conversation, first.text)
            else:
                await self._talk(websocket, principal, open_)
        except DatabaseDown as down:
            close = Close(TRY_AGAIN_LATER, str(down))
            self._metrics.closed.labels(str(close.code)).inc()
            websocket.scope["extensions"][TRANSPORT].end(close, self._bounds.close_grace)
        except CloseConnection as end:
            self._metrics.closed.labels(str(end.close.code)).inc()
            websocket.scope["extensions"][TRANSPORT].end(end.close, self._bounds.close_grace)
        except (WebSocketDisconnect, RuntimeError) as gone:
            if (
                isinstance(gone, RuntimeError)
                and websocket.client_state is WebSocketState.CONNECTED
            ):
                raise

    async def _authenticate(
        self, websocket: WebSocket, token: str, first_message: bool, anonymous: bool
    ) -> Principal:
        self._authenticating += 1
        try:
            principal = await self._claimed(websocket, token, first_message, anonymous)
        finally:
            self._authenticating -= 1
        if full := self._admission.refusal(principal):
            raise CloseConnection(full)
        return principal

    async def _claimed(
        self, websocket: WebSocket, token: str, first_message: bool, anonymous: bool
    ) -> Principal:
        scheme, _, in_header = websocket.headers.get("authorization", "").partition(" ")
        if scheme and scheme.lower() != "bearer":
            raise CloseConnection(NOT_BEARER)
        token = in_header or token
        ticket = websocket.query_params.get("ticket", "")
        if ticket and not token:
            try:
                return await self._logins.redeem(ticket)
            except TokenError as error:
                raise CloseConnection(unauthorized(error)) from None
        if first_message and not token:
            token = await self._first_message(websocket, anonymous)
        if not token and anonymous:
            return ANONYMOUS
        if not token:
            raise CloseConnection(NO_TOKEN)
        try:
            return await self._logins.claimed_principal(token.strip())
        except TokenError as error:
            raise CloseConnection(unauthorized(error)) from None

    async def _first_message(self, websocket: WebSocket, anonymous: bool) -> str:
        try:
            async with asyncio.timeout(self._bounds.auth_deadline):
                text = await _text(websocket)
            message = json.loads(text)
        except TimeoutError:
            raise CloseConnection(no_token_within(self._bounds.auth_deadline)) from None
        except (ValueError, RecursionError):
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "subscribe" and anonymous:
            raise AnonymousSubscriber(text)
        token = message.get("token") if kind == "auth" else None
        if not isinstance(token, str):
            raise CloseConnection(NO_AUTH_MESSAGE)
        return token

    async def _talk(
        self, websocket: WebSocket, principal: Principal, open_: Open, first: str | None = None
    ) -> None:
        transport = websocket.scope["extensions"][TRANSPORT]
        client: Client | None = None
        try:
            async with self._admission.client(transport, principal) as client:
                if client.closed:
                    return
                transport.on_writable = client.drain
                conversation = open_(client)
                self._permissions.attach(client, conversation)
                await client.load.pay(ARRIVAL)
                async with client.load.turn():
                    await conversation.start()
                while True:
                    await client.room()
                    text, first = await _text(websocket) if first is None else first, None
                    if not client.spend(cost := message_cost(text)):
                        return
                    await client.load.pay(cost)
                    try:
                        await conversation.receive(text)
                    except (BadMessage, DatabaseDown) as refusal:
                        conversation.send_error(str(refusal))
        finally:
            transport.on_writable = None
            if client is not None and client.closed:
                self._metrics.closed.labels(str(client.closed)).inc()


async def _text(websocket: WebSocket) -> str:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text = message.get("text")
    if text is None:
        raise CloseConnection(BINARY_MESSAGE)
    return str(text)
