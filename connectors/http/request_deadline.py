"""uvicorn's HTTP protocol with a deadline: a slow request does not hold its connection."""

import asyncio
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.http.connection_caps import ConnectionCaps

COME = (h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)
"""States of a client's side in which nothing more of its request is awaited."""


class DeadlineProtocol(H11Protocol):
    """Cuts a connection whose awaited request has not come within `DEADLINE` seconds.

    The first request is awaited from the beginning, each later one of a connection from its first
    byte. It has come when its body has.
    """

    DEADLINE: ClassVar[float] = 15.0
    CAPS: ClassVar[ConnectionCaps | None] = None

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, if there is a place for it, and await its first request."""
        if self.CAPS is not None and self.CAPS.full(self.connections, transport):
            self.CAPS.send_away(transport, self.loop)
            return
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        self._request_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the deadline runs while a request is not there as a whole."""
        self._await_request()
        super().data_received(data)
        if self.conn.their_state in COME:
            self._request_came()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over: nothing more of the request is awaited."""
        self._request_came()
        super().handle_websocket_upgrade(event)

    def _await_request(self) -> None:
        """Start the deadline, unless it runs."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.DEADLINE, self.transport.abort)

    def _request_came(self) -> None:
        """Stop the deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
