"""A connected client: it takes what it can at once, the rest waits in its send buffer."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from api.accounts.principal import Principal
from api.permissions.visibility import EVERYTHING, Visibility
from api.push.send_buffer import Frame, SendBuffer
from api.settings import Bounds
from api.web.close_codes import LAGS, Close

CHUNK = 64 << 10


class Transport(Protocol):
    """The server's end of a connection."""

    @property
    def can_write(self) -> bool:
        """Whether a write goes out without piling up."""

    def write(self, data: bytes) -> None:
        """Write frames; buffers what the network does not take."""

    def end(self, close: Close, grace: float) -> None:
        """Say why, and cut the connection after `grace` seconds."""


class Client:
    """A connection as the hub knows it. Everything happens in the event loop; nothing waits."""

    __slots__ = (
        "_bounds",
        "_buffer",
        "_clock",
        "_progress",
        "_transport",
        "closed",
        "coalesced",
        "principal",
        "visibility",
    )

    def __init__(
        self,
        transport: Transport,
        bounds: Bounds,
        principal: Principal,
        visibility: Visibility = EVERYTHING,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.principal = principal
        self.visibility = visibility
        self.closed = 0
        self.coalesced = 0
        self._transport = transport
        self._bounds = bounds
        self._buffer: SendBuffer | None = None
        self._clock = clock or asyncio.get_running_loop().time
        self._progress = 0.0

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._buffer) if self._buffer else 0

    def deliver(self, together: bytes, frames: Iterable[Frame]) -> None:
        """Write `together`, all the frames joined, or buffer the frames while the client lags."""
        if self.closed:
            return
        if self._buffer is None and self._transport.can_write:
            self._transport.write(together)
            return
        buffer = self._lag()
        for frame in frames:
            buffer.put(frame)
        self._checked(buffer)

    def send(self, data: bytes) -> None:
        """Send one frame that must arrive."""
        self.deliver(data, (Frame(data),))

    def replay(self, frames: Iterable[bytes]) -> None:
        """Send what was missed as fast as the client takes it, before all that comes later."""
        if not self.closed:
            self._lag().replay(frames)
            self.drain()

    def drain(self) -> None:
        """Write what waits; called when the connection can take more."""
        buffer = self._buffer
        if buffer is None or self.closed:
            return
        while self._transport.can_write and (data := buffer.take(CHUNK)):
            self._transport.write(data)
            self._progress = self._clock()
        if not len(buffer):
            self.coalesced += buffer.coalesced
            self._buffer = None

    def stuck(self) -> bool:
        """Whether it has read nothing for too long while something waits."""
        return (
            self._buffer is not None
            and self._clock() - self._progress > self._bounds.write_deadline
        )

    def end(self, close: Close) -> None:
        """Close the connection; only the first call counts."""
        if not self.closed:
            self.closed = close.code
            self._buffer = None
            self._transport.end(close, self._bounds.close_grace)

    def _lag(self) -> SendBuffer:
        if self._buffer is None:
            self._buffer = SendBuffer(self._bounds)
            self._progress = self._clock()
        return self._buffer

    def _checked(self, buffer: SendBuffer) -> None:
        if buffer.overflowed:
            self.coalesced += buffer.coalesced
            self.end(LAGS)
