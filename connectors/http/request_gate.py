"""What every listener asks of a request before anything looks at it."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import h11._readers
from h11 import LocalProtocolError
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketClose

from connectors.http.host_names import asks_for_us

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST_HEAD = 32 << 10
"""Bytes of the head of a request; browsers and proxies stay far below."""


class RequestGate:
    """Refuses requests for another host than ours, and those that two servers may read differently.

    `names` are the names that this machine has for its clients, beside its addresses; `remedy` says
    where to write them. With both a `Content-Length` and a `Transfer-Encoding` a proxy may see
    another end of the body than we do (RFC 9112, section 6.1).
    """

    def __init__(self, app: App, names: Iterable[str], remedy: str) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._remedy = remedy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        problem = self._problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await WebSocketClose(reason=problem[1][:120])(scope, receive, send)
        else:
            status, detail = problem
            answer = JSONResponse({"error": detail}, status, headers={"Connection": "close"})
            await answer(scope, receive, send)

    def _problem(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        if size > LONGEST_HEAD:
            return 431, f"expected at most {LONGEST_HEAD} bytes of headers, got {size}"
        if "transfer-encoding" in headers and "content-length" in headers:
            return 400, "expected Content-Length or Transfer-Encoding, got both"
        hosts = headers.getlist("host")
        if len(hosts) > 1:
            return 400, f"expected one Host, got {len(hosts)}"
        if hosts and not asks_for_us(hosts[0], self._names):
            return 421, f"{hosts[0][:200]!r} is no name of this server: {self._remedy}"
        return None


def _refuse_folds(lines: Iterable[bytes]) -> Iterable[bytes]:
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            # RFC 9112, section 5.2
            raise LocalProtocolError("a header goes on in the next line")
        yield line


def refuse_folded_headers() -> None:
    """Let h11 answer 400 to headers that go on in the next line, which it would join."""
    h11._readers._obsolete_line_fold = _refuse_folds
