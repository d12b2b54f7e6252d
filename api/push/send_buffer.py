"""The send buffer: what waits for one client that does not read as fast as the others."""

import collections
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from api.settings import Bounds


class LatestOnly(NamedTuple):
    """The state key of what a newer one makes useless, such as a camera's picture."""

    channel: str
    subject: str


class Frame(NamedTuple):
    """One message, ready for the wire.

    While a client lags, frames with equal `state_key` replace each other; with None each one
    counts.
    """

    data: bytes
    state_key: Hashable | None = None


class SendBuffer:
    """Frames in order, bounded.

    When more than `lag` frames wait, a newer state replaces the older one: at the end, so that the
    cursors of what follows never go back. With `LatestOnly` it does so at once. Everything else is
    kept until the bound is reached; then the buffer has `overflowed`.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.overflowed = False
        self.coalesced = 0
        self._bounds = bounds
        self._missed: collections.deque[bytes] = collections.deque()
        self._waiting: collections.OrderedDict[int, Frame] = collections.OrderedDict()
        self._newest: dict[Hashable, int] = {}
        self._states = 0
        self._number = 0

    def __len__(self) -> int:
        return len(self._missed) + len(self._waiting)

    def replay(self, frames: Iterable[bytes]) -> None:
        """Queue what a client missed, before all that is put later; the replay buffer bounds it."""
        self._missed.extend(frames)

    def put(self, frame: Frame) -> None:
        """Queue a frame."""
        if self.overflowed:
            return
        key = frame.state_key
        if key is not None:
            known = self._newest.get(key)
            if known is not None and (
                len(self._waiting) > self._bounds.lag or isinstance(key, LatestOnly)
            ):
                del self._waiting[known]
                self._states -= 1
                self.coalesced += 1
            self._newest[key] = self._number
            self._states += 1
        self._waiting[self._number] = frame
        self._number += 1
        if (
            self._states > self._bounds.pending_states
            or len(self._waiting) - self._states > self._bounds.pending_events
        ):
            self._missed.clear()
            self._waiting.clear()
            self._newest.clear()
            self.overflowed = True

    def take(self, size: int) -> bytes:
        """The next frames joined, hardly more than `size` bytes; empty if nothing waits."""
        taken: list[bytes] = []
        total = 0
        while total < size and len(self):
            data = self._missed.popleft() if self._missed else self._pop()
            taken.append(data)
            total += len(data)
        return b"".join(taken)

    def _pop(self) -> bytes:
        number, (data, key) = self._waiting.popitem(last=False)
        if key is not None:
            self._states -= 1
            if self._newest.get(key) == number:
                del self._newest[key]
        return data
