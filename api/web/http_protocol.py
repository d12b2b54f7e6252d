"""uvicorn's HTTP protocol, whose long answers can be ended, and which does not wait for ever for
a request.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_DEADLINE = 15.0
"""Seconds in which the head of a connection's first request must have come."""
CONNECTION = "vigie.connection"


class HttpProtocol(H11Protocol):
    """Known to a request as `request.scope["state"]["vigie.connection"]`."""

    on_shutdown: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, CONNECTION: self}
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADERS_DEADLINE, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self.on_shutdown = None
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.scope is not None:
            self._forget_deadline()

    def shutdown(self) -> None:
        super().shutdown()
        if self.on_shutdown is not None:
            self.on_shutdown()

    def abort(self) -> None:
        """Cut the connection, whatever was not sent yet."""
        if self.transport is not None:
            self.transport.abort()

    def _too_late(self) -> None:
        if self.scope is None and not self.transport.is_closing():
            self.transport.abort()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
