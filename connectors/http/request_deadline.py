"""uvicorn's HTTP protocol with a deadline: a slow request does not hold its connection."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol


class DeadlineProtocol(H11Protocol):
    """Cuts a connection whose awaited request has not come within `DEADLINE` seconds.

    The first request is awaited from the beginning. A subclass says with `request_came` when there
    is nothing more to wait for, and with `await_request` when there is again.
    """

    DEADLINE: ClassVar[float] = 15.0

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, and await its first request."""
        super().connection_made(transport)
        self.await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        self.request_came()
        super().connection_lost(exc)

    def await_request(self) -> None:
        """Start the deadline, unless it runs."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.DEADLINE, self.transport.abort)

    def request_came(self) -> None:
        """Stop the deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
