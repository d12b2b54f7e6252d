"""Server-sent events: the channels, snapshots and cursors without WebSocket (WHATWG HTML, 9.2)."""

import asyncio
import collections
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.push.client import Client
from api.push.cursor import CursorError, parse
from api.push.hub import Hub
from api.push.updates import Update
from api.settings import Bounds
from api.web.close_codes import SERVER_STOPS, Close
from api.web.http_protocol import CONNECTION

RETRY_MS = 2000


class SseProtocol:
    """One `event` an update, whose id is the cursor."""

    name = "sse"
    deduplicates = False

    def encode(self, update: Update) -> bytes:
        """The event of an update."""
        channel = json.dumps(update.channel, ensure_ascii=False)
        return block("event", f'{{"channel":{channel},"data":{update.data}}}', update.cursor)


SSE = SseProtocol()


def block(event: str, data: str, id: str | None = None) -> bytes:
    """One event as it goes over the wire. In the JSON `data`, a line break is nothing but space."""
    head = "" if id is None else f"id: {id}\n"
    line = data.replace("\r", " ").replace("\n", " ")
    return f"{head}event: {event}\ndata: {line}\n\n".encode()


def heartbeat(cursor: str) -> bytes:
    """A comment, which clients do not see; its id tells them their cursor."""
    return f": {time.time():.3f}\nid: {cursor}\n\n".encode()


class StreamTransport:
    """The server's end of a stream: a bounded buffer that `run` sends."""

    def __init__(self, limit: int, abort: Callable[[], None]) -> None:
        self.on_writable: Callable[[], None] | None = None
        self._limit = limit
        self._abort = abort
        self._chunks: collections.deque[bytes] = collections.deque()
        self._size = 0
        self._more = asyncio.Event()
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def can_write(self) -> bool:
        """Whether a write goes out without piling up."""
        return self._size < self._limit

    def write(self, data: bytes) -> None:
        """Buffer data to be sent."""
        if not self._ended:
            self._put(data)

    def end(self, close: Close, grace: float) -> None:
        """Send why the stream ends, and cut the connection after `grace` seconds."""
        self._put(block("end", json.dumps(close._asdict(), ensure_ascii=False)))
        self._ended = True
        self._timer = asyncio.get_running_loop().call_later(grace, self._abort)

    async def run(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send what is written, until the end."""
        while True:
            if not self._chunks:
                if self._ended:
                    return
                self._more.clear()
                await self._more.wait()
            data = b"".join(self._chunks)
            self._chunks.clear()
            await send(data)
            self._size -= len(data)
            if self.on_writable is not None and self.can_write:
                self.on_writable()

    def close(self) -> None:
        """Send nothing more."""
        self._ended = True
        self._chunks.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _put(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        self._more.set()


class Stream(Response):
    """The answer to a request for a stream; it ends with the client, its token, or the server."""

    media_type = "text/event-stream"

    def __init__(
        self,
        bounds: Bounds,
        admit: Callable[[StreamTransport], AbstractAsyncContextManager[Client]],
        opening: Callable[[Client], Awaitable[None]],
    ) -> None:
        """`admit` makes the client of a transport; `opening` sends what it gets first."""
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._bounds = bounds
        self._admit = admit
        self._opening = opening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, until somebody ends it."""
        connection = scope["state"][CONNECTION]
        transport = StreamTransport(self._bounds.write_buffer, connection.abort)
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )

        async def body(data: bytes) -> None:
            await send({"type": "http.response.body", "body": data, "more_body": True})

        async with self._admit(transport) as client:
            transport.on_writable = client.drain
            connection.on_shutdown = lambda: client.end(SERVER_STOPS)
            gone = asyncio.create_task(_disconnected(receive))
            sending = asyncio.create_task(transport.run(body))
            try:
                transport.write(f"retry: {RETRY_MS}\n\n".encode())
                await self._opening(client)
                await asyncio.wait((gone, sending), return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                connection.on_shutdown = transport.on_writable = None
                transport.close()
                for task in (gone, sending):
                    task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.gather(gone, sending, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


class StreamOpening:
    """The first events of a stream: what was subscribed, then what was missed or the state."""

    def __init__(
        self,
        hub: Hub,
        channels: list[str],
        cursor: str | None,
        backfilled: Callable[[], Awaitable[None]],
    ) -> None:
        self._hub = hub
        self._channels = channels
        self._cursor = cursor
        self._backfilled = backfilled

    async def __call__(self, client: Client) -> None:
        """Send them to a client, and subscribe it."""
        seen = [channel for channel in self._channels if client.visibility.allows_channel(channel)]
        refused = [channel for channel in self._channels if channel not in seen]
        answer: dict[str, Any] = {"channels": seen} | ({"refused": refused} if refused else {})
        missed = None
        if self._cursor is not None:
            await self._backfilled()
            with contextlib.suppress(CursorError):
                missed = self._hub.missed(parse(self._cursor), seen, client.visibility)
            answer["recovered"] = missed is not None
        client.send(block("subscribed", json.dumps(answer, ensure_ascii=False)))
        if missed is None:
            for channel in seen:
                name = json.dumps(channel, ensure_ascii=False)
                data = self._hub.snapshot(channel, client.visibility)
                client.send(
                    block("snapshot", f'{{"channel":{name},"data":{data}}}', self._hub.cursor)
                )
        else:
            client.replay(frame for update in missed if (frame := update.frame(SSE)) is not None)
        self._hub.subscribe(client, SSE, seen)


class StreamConversation:
    """A client of a stream, which sends nothing."""

    def __init__(self, hub: Hub, client: Client, channels: list[str]) -> None:
        self._hub = hub
        self._client = client
        self._channels = channels

    async def start(self) -> None:
        """Do nothing: `StreamOpening` sends the first events."""

    async def receive(self, text: str) -> None:
        """Do nothing: the client cannot send."""

    def send_error(self, message: str) -> None:
        """Do nothing: no message of the client can be wrong."""

    def visibility_changed(self) -> None:
        """Subscribe anew with what the account may see now."""
        self._hub.subscribe(self._client, SSE, self._channels)
