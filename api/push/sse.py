"""Server-sent events: the channels, snapshots and cursors without WebSocket (WHATWG HTML, 9.2)."""

import asyncio
import collections
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.push.client import Client
from api.push.cursor import CursorError, parse
from api.push.hub import Hub
from api.push.opening import Opening
from api.push.updates import Update
from api.settings import Bounds
from api.web.budget import ARRIVAL
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

    @property
    def buffered(self) -> int:
        """Bytes that were written and not sent yet."""
        return self._size

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
        opening: Callable[[Client], Coroutine[Any, Any, None]],
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
            transport.write(f"retry: {RETRY_MS}\n\n".encode())
            opening = asyncio.create_task(self._opening(client))
            try:
                ends = {gone, sending}
                done, _ = await asyncio.wait({opening, *ends}, return_when=asyncio.FIRST_COMPLETED)
                if opening in done:
                    opening.result()
                    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                connection.on_shutdown = transport.on_writable = None
                transport.close()
                for task in (gone, sending, opening):
                    task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.gather(gone, sending, opening, return_exceptions=True)


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
        self.followed: dict[str, None] = {}
        """The channels that the client follows by now."""

    async def __call__(self, client: Client) -> None:
        """Send them to a client, and subscribe it."""
        opening = Opening(self._hub, client, SSE, self._snapshot, self._backfilled)
        missed = None
        await client.load.pay(ARRIVAL + len(self._channels))
        if self._cursor is not None:
            with contextlib.suppress(CursorError):
                missed = await opening.missed(parse(self._cursor), self._channels)
        seen = dict.fromkeys(filter(client.visibility.allows_channel, self._channels))
        refused = [channel for channel in self._channels if channel not in seen]
        answer: dict[str, Any] = {"channels": [*seen]} | ({"refused": refused} if refused else {})
        if self._cursor is not None:
            answer["recovered"] = missed is not None
        client.send(block("subscribed", json.dumps(answer, ensure_ascii=False)))

        def follow(*channels: str) -> None:
            self.followed.update(dict.fromkeys(channels))
            self._hub.subscribe(client, SSE, self.followed)

        if missed is None:
            await opening.snapshots(seen, follow)
        else:
            client.replay(missed)
            follow(*seen)

    def _snapshot(self, channel: str, data: str) -> bytes:
        name = json.dumps(channel, ensure_ascii=False)
        return block("snapshot", f'{{"channel":{name},"data":{data}}}', self._hub.cursor)


class StreamConversation:
    """A client of a stream, which sends nothing."""

    def __init__(self, hub: Hub, client: Client, opening: StreamOpening) -> None:
        self._hub = hub
        self._client = client
        self._opening = opening

    async def start(self) -> None:
        """Do nothing: `StreamOpening` sends the first events."""

    async def receive(self, text: str) -> None:
        """Do nothing: the client cannot send."""

    def send_error(self, message: str) -> None:
        """Do nothing: no message of the client can be wrong."""

    def visibility_changed(self) -> None:
        """Subscribe anew with what the account may see now."""
        self._hub.subscribe(self._client, SSE, self._opening.followed)
