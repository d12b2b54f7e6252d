"""WebSocket connections: who is there, one reader and one writer each, and a firm end for clients that do not read."""

import asyncio
import contextlib
import json
import time
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from api.auth import Accounts, Person
from api.dialects import Dialect, Push, Raw, Refused
from api.hub import TOO_SLOW, Hub, Outbox
from api.metrics import Metrics
from api.settings import Bounds
from api.tokens import TokenError

UNAUTHORIZED = 4401
FORBIDDEN = 4403
BAD_MESSAGE = 4400
TRY_LATER = 1013


class Closed(Exception):
    """This end closes the connection with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def may_see(person: Person, channel: str) -> bool:
    """Whether an account may subscribe to a channel. Every role may see every channel that flows publish."""
    return bool(person.role) and bool(channel)


class Connections:
    """Serves the WebSocket endpoints."""

    def __init__(self, accounts: Accounts, hub: Hub, metrics: Metrics, bounds: Bounds) -> None:
        self._accounts = accounts
        self._hub = hub
        self._metrics = metrics
        self._bounds = bounds

    async def push(self, websocket: WebSocket) -> None:
        """`/ws`: token in the Authorization header or in the first message, then subscriptions."""
        await self._serve(websocket, first_message=True)

    async def raw(self, websocket: WebSocket) -> None:
        """`/ws/raw/{channel}`: token in the Authorization header or in `?token=`, then nothing but data."""
        await self._serve(websocket, first_message=False)

    async def _serve(self, websocket: WebSocket, first_message: bool) -> None:
        await websocket.accept()
        try:
            if len(self._hub.clients) >= self._bounds.clients:
                raise Closed(TRY_LATER, f"all {self._bounds.clients} places are taken; try again later")
            person = await self._who(websocket, first_message)
            await self._talk(websocket, person, self._dialect(websocket, person))
        except Closed as end:
            self._metrics.closed.labels(str(end.code)).inc()
            await self._close(websocket, end)
        except (WebSocketDisconnect, RuntimeError) as gone:
            if isinstance(gone, RuntimeError) and websocket.client_state is WebSocketState.CONNECTED:
                raise

    def _dialect(self, websocket: WebSocket, person: Person) -> Dialect:
        channel = websocket.path_params.get("channel")
        if channel is None:
            return Push(self._hub, lambda name: may_see(person, name), self._bounds.channels_per_client)
        if not may_see(person, channel):
            raise Closed(FORBIDDEN, "this account may not see that channel")
        return Raw(self._hub, channel)

    async def _who(self, websocket: WebSocket, first_message: bool) -> Person:
        scheme, _, token = websocket.headers.get("authorization", "").partition(" ")
        if scheme and scheme.lower() != "bearer":
            raise Closed(UNAUTHORIZED, "the Authorization header must be: Bearer TOKEN")
        if not first_message:
            token = token or websocket.query_params.get("token", "")
        elif not token:
            token = await self._first_message(websocket)
        if not token:
            raise Closed(UNAUTHORIZED, "no token; log in at /api/auth/login")
        try:
            return await self._accounts.person(token.strip())
        except TokenError as error:
            raise Closed(UNAUTHORIZED, str(error)) from None

    async def _first_message(self, websocket: WebSocket) -> str:
        try:
            async with asyncio.timeout(self._bounds.auth_deadline):
                message = json.loads(await _text(websocket))
        except TimeoutError:
            raise Closed(UNAUTHORIZED, f"no token within {self._bounds.auth_deadline:g} s") from None
        except ValueError:
            message = None
        token = message.get("token") if isinstance(message, dict) and message.get("type") == "auth" else None
        if not isinstance(token, str):
            raise Closed(UNAUTHORIZED, 'the first message must be {"type":"auth","token":"..."}')
        return token

    async def _talk(self, websocket: WebSocket, person: Person, dialect: Dialect) -> None:
        outbox = Outbox(dialect.name, dialect.encode, self._bounds)
        self._hub.join(outbox)
        try:
            dialect.start(outbox)
            tasks = {
                asyncio.create_task(work)
                for work in (
                    self._read(websocket, dialect, outbox),
                    self._write(websocket, outbox),
                    self._too_slow(outbox),
                    self._ends(person),
                )
            }
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            for task in done:
                task.result()
        finally:
            self._hub.leave(outbox)

    async def _read(self, websocket: WebSocket, dialect: Dialect, outbox: Outbox) -> None:
        while True:
            text = await _text(websocket)
            try:
                dialect.hear(text, outbox)
            except Refused as refusal:
                outbox.put_text(json.dumps({"type": "error", "message": str(refusal)}, ensure_ascii=False))

    async def _write(self, websocket: WebSocket, outbox: Outbox) -> None:
        while True:
            text = await outbox.next()
            try:
                async with asyncio.timeout(self._bounds.write_deadline):
                    await websocket.send_text(text)
            except TimeoutError:
                raise Closed(TOO_SLOW, f"read nothing for {self._bounds.write_deadline:g} s") from None

    async def _too_slow(self, outbox: Outbox) -> None:
        await outbox.overrun.wait()
        raise Closed(TOO_SLOW, "too slow: more events were waiting than this server keeps for one client")

    async def _ends(self, person: Person) -> None:
        await asyncio.sleep(max(0.0, person.expires - time.time()))
        raise Closed(UNAUTHORIZED, "the token has expired; log in again")

    async def _close(self, websocket: WebSocket, end: Closed) -> None:
        """Say why, and give a client that does not read no more than the grace to hear it."""
        connection: Any = websocket.scope.get("extensions", {}).get("vigie.connection")
        if connection is not None:
            connection.end(end.code, end.reason, self._bounds.close_grace)
            return
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.close(end.code, end.reason)


async def _text(websocket: WebSocket) -> str:
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text = message.get("text")
    if text is None:
        raise Closed(BAD_MESSAGE, "binary messages are not understood; send text")
    return str(text)
