"""One connected client: it takes what it can at once, and the rest waits in its backlog."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from api.accounts.principal import Person
from api.permissions.visibility import EVERYTHING, Sight
from api.push.send_buffer import Backlog, Frame
from api.settings import Bounds

TOO_SLOW = 4429
CHUNK = 64 << 10


class Wire(Protocol):
    """The near end of a connection."""

    @property
    def flowing(self) -> bool:
        """Whether a write goes out without piling up."""

    def write(self, data: bytes) -> None:
        """Write frames; buffers what the network does not take."""

    def end(self, code: int, reason: str, grace: float) -> None:
        """Say why, and cut the connection after `grace` seconds."""


class Client:
    """What the hub knows of a connection. All of it happens in the event loop; nothing waits."""

    __slots__ = (
        "_backlog",
        "_bounds",
        "_clock",
        "_progress",
        "_wire",
        "closed",
        "coalesced",
        "person",
        "session",
        "sight",
    )

    def __init__(
        self,
        wire: Wire,
        bounds: Bounds,
        person: Person,
        sight: Sight = EVERYTHING,
        session: str = "",
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.person = person
        self.sight = sight
        self.session = session
        self.closed = 0
        self.coalesced = 0
        self._wire = wire
        self._bounds = bounds
        self._backlog: Backlog | None = None
        self._clock = clock or asyncio.get_running_loop().time
        self._progress = 0.0

    @property
    def waiting(self) -> int:
        """How many frames wait."""
        return len(self._backlog) if self._backlog else 0

    def deliver(self, together: bytes, frames: Iterable[Frame]) -> None:
        """Write `together`, which is all the frames joined, or queue them while the client lags."""
        if self.closed:
            return
        if self._backlog is None and self._wire.flowing:
            self._wire.write(together)
            return
        backlog = self._lag()
        for frame in frames:
            backlog.put(frame)
        self._checked(backlog)

    def send(self, data: bytes) -> None:
        """Send one frame that must arrive."""
        self.deliver(data, (Frame(data),))

    def replay(self, frames: Iterable[bytes]) -> None:
        """Send what was missed, as fast as the client takes it; before all that comes later."""
        if not self.closed:
            self._lag().replay(frames)
            self.drain()

    def drain(self) -> None:
        """Write what waits; called when the connection takes more."""
        backlog = self._backlog
        if backlog is None or self.closed:
            return
        while self._wire.flowing and (data := backlog.take(CHUNK)):
            self._wire.write(data)
            self._progress = self._clock()
        if not len(backlog):
            self.coalesced += backlog.coalesced
            self._backlog = None

    def stuck(self) -> bool:
        """Whether it has read nothing for too long while something waits."""
        return (
            self._backlog is not None
            and self._clock() - self._progress > self._bounds.write_deadline
        )

    def end(self, code: int, reason: str) -> None:
        """Close the connection with a code and a reason; once."""
        if not self.closed:
            self.closed = code
            self._backlog = None
            self._wire.end(code, reason, self._bounds.close_grace)

    def _lag(self) -> Backlog:
        if self._backlog is None:
            self._backlog = Backlog(self._bounds)
            self._progress = self._clock()
        return self._backlog

    def _checked(self, backlog: Backlog) -> None:
        if backlog.overrun:
            self.coalesced += backlog.coalesced
            self.end(
                TOO_SLOW, "too slow: more events were waiting than this server keeps for one client"
            )
