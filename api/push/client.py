"""A connected client: it takes what it can at once, the rest waits in its send buffer."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from api.accounts.principal import Principal
from api.permissions.visibility import EVERYTHING, Visibility
from api.push.account_load import AccountLoad
from api.push.send_buffer import Frame, SendBuffer
from api.settings import Bounds
from api.web.budget import Budget
from api.web.close_codes import LAGS, OVER_BUDGET, Close

CHUNK = 64 << 10


class Transport(Protocol):
    """The server's end of a connection."""

    @property
    def can_write(self) -> bool:
        """Whether a write goes out without piling up."""

    @property
    def buffered(self) -> int:
        """Bytes that were written and that the network has not taken."""

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
        "_room",
        "_transport",
        "budget",
        "closed",
        "coalesced",
        "load",
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
        self._room = asyncio.Event()
        self.budget = Budget(bounds.message_burst, bounds.message_rate, self._clock)
        self.load = AccountLoad(bounds, self._clock)
        """That of its account, which the hub gives it."""

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._buffer) if self._buffer else 0

    @property
    def held(self) -> int:
        """Bytes that are kept for this client alone."""
        return self._transport.buffered + (self._buffer.held if self._buffer else 0)

    @property
    def caught_up(self) -> bool:
        """Whether it has taken whatever was made for it alone."""
        return self._transport.can_write and not (self._buffer and self._buffer.own)

    async def room(self) -> None:
        """Wait until it has caught up, or is closed: until then, nothing more is made for it."""
        while not (self.closed or self.caught_up):
            self._room.clear()
            await self._room.wait()

    def spend(self, cost: float) -> bool:
        """Pay for what the client asks; it is closed, and the answer is False, if it cannot."""
        if not self.budget.spend(cost):
            self.end(OVER_BUDGET)
        return not self.closed

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
        self.deliver(data, (Frame(data, own=True),))

    def replay(self, frames: Iterable[bytes]) -> None:
        """Send what was missed as fast as the client takes it, before all that comes later."""
        if not self.closed:
            self._lag().replay(frames)
            self.drain()

    def drain(self) -> None:
        """Write what waits; called when the connection can take more, or is gone."""
        self._write_waiting()
        self._room.set()

    def _write_waiting(self) -> None:
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
            self._room.set()
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
