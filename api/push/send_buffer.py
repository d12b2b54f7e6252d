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
    counts. An `own` frame was made for this client, the others are shared with more.
    """

    data: bytes
    state_key: Hashable | None = None
    own: bool = False


OVERHEAD = 200
"""Bytes for a frame that waits, beside its data."""


class SendBuffer:
    """Frames in order, bounded in number and in bytes.

    When more than `lag` frames wait, a newer state replaces the older one: at the end, so that the
    cursors of what follows never go back. With `LatestOnly` it does so at once. Everything else is
    kept until the bound is reached; then the buffer has `overflowed`.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.overflowed = False
        self.coalesced = 0
        self.size = 0
        """Bytes that wait, without what is sent again."""
        self.own = 0
        """Frames that wait and were made for this client, or are sent again."""
        self._own_size = 0
        self._bounds = bounds
        self._missed: collections.deque[bytes] = collections.deque()
        self._waiting: collections.OrderedDict[int, Frame] = collections.OrderedDict()
        self._newest: dict[Hashable, int] = {}
        self._states = 0
        self._number = 0

    def __len__(self) -> int:
        return len(self._missed) + len(self._waiting)

    @property
    def held(self) -> int:
        """Bytes that are kept for this client alone."""
        return self._own_size + OVERHEAD * len(self)

    def replay(self, frames: Iterable[bytes]) -> None:
        """Queue what a client missed, before all that is put later; the replay buffer bounds it."""
        before = len(self._missed)
        self._missed.extend(frames)
        self.own += len(self._missed) - before

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
                self._forget(self._waiting.pop(known))
                self._states -= 1
                self.coalesced += 1
            self._newest[key] = self._number
            self._states += 1
        self._waiting[self._number] = frame
        self._number += 1
        self.size += len(frame.data)
        if frame.own:
            self.own += 1
            self._own_size += len(frame.data)
        if (
            self._states > self._bounds.pending_states
            or len(self._waiting) - self._states > self._bounds.pending_events
            or self.size - self._own_size > self._bounds.pending_size
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
            data = self._pop_missed() if self._missed else self._pop()
            taken.append(data)
            total += len(data)
        return b"".join(taken)

    def _pop_missed(self) -> bytes:
        self.own -= 1
        return self._missed.popleft()

    def _pop(self) -> bytes:
        number, frame = self._waiting.popitem(last=False)
        self._forget(frame)
        key = frame.state_key
        if key is not None:
            self._states -= 1
            if self._newest.get(key) == number:
                del self._newest[key]
        return frame.data

    def _forget(self, frame: Frame) -> None:
        self.size -= len(frame.data)
        if frame.own:
            self.own -= 1
            self._own_size -= len(frame.data)
