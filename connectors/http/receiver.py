"""The receiving side of the HTTP source: who posts, what, and the answer once it is stored."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from connectors.base import ConnectorContext, ConnectorError, Stopped
from connectors.http.bearer_tokens import BearerTokens, bearer_token
from connectors.http.body import BadPost, events_of
from connectors.http.connection import HttpConnection
from connectors.http.connection_caps import LINGER
from connectors.http.content_type import why_not_json
from connectors.http.readings import Readings
from connectors.http.server import listener_of
from connectors.runtime import steady_clock
from connectors.runtime.signature import key_of, why_unsigned
from connectors.runtime.tracing.traces import sampled
from operators.events import Event

UNDER_WAY = 16 << 20
"""Bytes of bodies that may wait to be stored."""
LONGEST_KEY = 256
ENDING = "the flow is ending; send this again later"

Write = Callable[[Event, Callable[[], None]], None]


class HttpReceiver:
    """Takes the posts to one path and answers once they are stored.

    It runs on the listener's loop. `write`, which blocks while the producer is full, has a thread
    of its own, so that posts stay in order, and calls back from the producer's. `readings` makes
    readings of posted objects; without it they stay messages. `senders` are the names of the
    tokens that may post here; None for all of the connection.
    """

    def __init__(
        self,
        context: ConnectorContext,
        write: Write,
        path: str,
        readings: Readings | None = None,
        senders: Collection[str] | None = None,
        now: Callable[[], float] = steady_clock.now,
    ) -> None:
        connection: HttpConnection = context.connection
        self._context = context
        self._connection = connection
        self._write = write
        self._path = path
        self._topic = path.strip("/") or context.name
        self._readings = readings
        self._now = now
        allowed = connection.tokens if senders is None else senders
        self._tokens = BearerTokens(connection.tokens)
        self._allowed = frozenset(allowed)
        self._key = key_of(connection.secret.get_secret_value()) if connection.secret else None
        self._ids = itertools.count(1)
        self._run_id = f"{context.flow}/{context.name}/{int(now() * 1000):x}"
        self._bytes = 0
        self._unstored: dict[int, float] = {}
        self._posts = itertools.count()
        self._writing = ThreadPoolExecutor(1, f"posts {context.name}")
        self._listener = listener_of(connection, context.name)
        self._listener.add(self._path, self._answer, context.name, self._ended)

    def start(self) -> None:
        """Listen; raises `ConnectorError` if the port is taken."""
        self._listener.start()
        self._context.health.up(self._context.name)

    def stop(self) -> None:
        """Take no more posts."""
        self._listener.remove(self._path)
        self._writing.shutdown(wait=False)

    def _ended(self) -> None:
        self._context.health.degraded(
            self._context.name,
            f"nobody listens at {self._listener.url} any more; see the log, and start the flow"
            " again",
        )

    async def _answer(self, request: Request) -> Response:
        stream = request.stream()
        try:
            self._check_sender(request)
            if wrong := why_not_json(request.headers):
                raise BadPost(415, wrong)
            body = await self._body(request, stream)
            events = self._events(request, body)
            await self._stored(events, len(body))
        except BadPost as refusal:
            await self._discard(request, stream)
            return self._refuse(refusal)
        except ClientDisconnect:
            self._context.count("refused:gone", 1)
            return Response(status_code=400)
        self._context.count("stored", len(events))
        return JSONResponse({"stored": len(events)}, 202)

    def _refuse(self, refusal: BadPost) -> Response:
        self._context.count(f"refused:{refusal.status}", 1)
        content: dict[str, object] = {"error": refusal.detail}
        if refusal.item is not None:
            content["item"] = refusal.item
        headers = {"Connection": "close"} if refusal.status in (401, 403, 408, 413, 415) else {}
        if refusal.status in (429, 503):
            headers["Retry-After"] = "1" if refusal.status == 429 else "5"
        if refusal.status == 401 and self._tokens:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(content, refusal.status, headers=headers)

    def _check_sender(self, request: Request) -> None:
        if not self._tokens:
            return
        token = bearer_token(request.headers.get("authorization", ""))
        known = self._tokens.senders(token) if token else []
        if not known:
            raise BadPost(401, "expected a known token: Authorization: Bearer …")
        if not self._allowed.intersection(known):
            raise BadPost(403, f"the sender {known[0]!r} may not post to {self._path}")

    async def _body(self, request: Request, stream: AsyncIterator[bytes]) -> bytes:
        limit = self._connection.max_body
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length[:20]) > limit:
            raise BadPost(413, f"expected at most {limit} bytes, got {length[:20]}")
        body = bytearray()
        try:
            async with asyncio.timeout(self._connection.timeout):
                async for chunk in stream:
                    body += chunk
                    if len(body) > limit:
                        raise BadPost(413, f"expected at most {limit} bytes")
        except TimeoutError:
            raise BadPost(
                408, f"the body did not come within {self._connection.timeout} s"
            ) from None
        return bytes(body)

    async def _discard(self, request: Request, stream: AsyncIterator[bytes]) -> None:
        """Read the rest of a refused body, lest a reset overtakes the answer (RFC 9112, 9.6)."""
        if "expect" in request.headers:  # the client waits for an answer before it sends the body
            return
        left = self._connection.max_body
        with contextlib.suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(LINGER):
                async for chunk in stream:
                    left -= len(chunk)
                    if left < 0:
                        return

    def _events(self, request: Request, body: bytes) -> list[Event]:
        headers = request.headers
        key = headers.get("idempotency-key")
        if self._key is not None:
            id, stamp, signed = (
                headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
            )
            wrong = why_unsigned(self._key, id, stamp, signed, body, self._now())
            if wrong:
                raise BadPost(401, wrong)
            key = id
        if key is not None and not 0 < len(key) <= LONGEST_KEY:
            raise BadPost(
                400, f"expected an Idempotency-Key of 1 to {LONGEST_KEY} characters, got {len(key)}"
            )
        events = events_of(body, self._topic, self._readings, key, self._fresh_id, self._now())
        if self._context.traces and (trace := sampled(headers.get("traceparent"))):
            for event in events:
                event.trace = trace
        return events

    def _fresh_id(self) -> str:
        return f"{self._run_id}/{next(self._ids)}"

    async def _stored(self, events: list[Event], size: int) -> None:
        """Return when the broker has all events; raises `BadPost` if it is down or has too many."""
        wait = self._connection.wait
        loop = asyncio.get_running_loop()
        oldest = next(iter(self._unstored.values()), None)
        if oldest is not None and loop.time() - oldest > wait:
            raise BadPost(503, "the events cannot be stored now; send them again later")
        if self._bytes and self._bytes + size > UNDER_WAY:
            raise BadPost(429, f"over {UNDER_WAY} bytes are under way; send this again later")
        if not events:
            return
        post = next(self._posts)
        done = asyncio.Event()
        left = len(events)
        self._unstored[post] = loop.time()
        self._bytes += size

        def settled() -> None:
            nonlocal left
            left -= 1
            if not left:
                del self._unstored[post]
                self._bytes -= size
                done.set()

        def durable() -> None:
            # the loop is closed: nobody waits for the answer any more
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settled)

        failed: BaseException | None = None

        def write() -> None:
            nonlocal failed
            try:
                for event in events:
                    self._write(event, durable)
            except BaseException as error:  # raised again where the answer is awaited
                failed = error
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(done.set)

        try:
            self._writing.submit(write)
        except RuntimeError:  # shut down
            raise BadPost(503, ENDING) from None
        try:
            async with asyncio.timeout(wait):
                await done.wait()
        except TimeoutError:
            raise BadPost(
                503, f"the events could not be stored within {wait} s; send them again later"
            ) from None
        if isinstance(failed, (ConnectorError, Stopped)):
            raise BadPost(503, ENDING)
        if failed is not None:
            raise failed
