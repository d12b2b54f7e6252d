"""History from several places as one: side by side, a span of time after the other."""

import itertools
import math
import operator
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from connectors.base import ConnectorError
from flows.replay.player import Piece
from operators.columnar.together import together
from operators.events import Event

Pieces = Iterator[Piece]
_time_of = operator.attrgetter("time")


class HistoryDown(ConnectorError):
    """A service that has history does not answer."""


class _Head:
    """What was read of one place and not handed out yet."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._read: deque[Piece] = deque()
        self.ended = False

    @property
    def first(self) -> float:
        return self._read[0].times[0] if self._read else math.inf

    @property
    def last(self) -> float:
        return math.inf if self.ended else self._read[-1].times[-1] if self._read else -math.inf

    def read(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self.ended = True
        elif piece.times:
            self._read.append(piece)

    def take(self, before: float) -> Piece:
        taken: list[Piece] = []
        while self.first < before:
            piece = self._read.popleft()
            if (at := bisect_left(piece.times, before)) < len(piece.times):
                self._read.appendleft(Piece(piece.events[at:], piece.times[at:]))
                piece = Piece(piece.events[:at], piece.times[:at])
            taken.append(piece)
        times = list(chain.from_iterable(piece.times for piece in taken))
        return Piece(together([piece.events for piece in taken]), times)


def side_by_side(places: Sequence[Pieces]) -> Iterator[list[Piece]]:
    """A piece of each place at a time, all of the same span; equal times are never cut apart."""
    heads = [_Head(pieces) for pieces in places]
    while True:
        for head in heads:
            while not head.ended and head.first == math.inf:
                head.read()
        if all(head.first == math.inf for head in heads):
            return
        while not any(head.first < min(h.last for h in heads) for head in heads):
            min(heads, key=lambda head: head.last).read()
        safe = min(head.last for head in heads)
        yield [head.take(safe) for head in heads]


def as_one(places: Sequence[Pieces]) -> Pieces:
    """Several places as one that keeps the order of time, and at one instant that of the places."""
    if len(places) == 1:
        yield from places[0]
        return
    for pieces in side_by_side(places):
        filled = [piece for piece in pieces if piece.events]
        if len(filled) == 1:
            yield filled[0]
            continue
        events = [event for piece in filled for event in piece.events]
        times = [time for piece in filled for time in piece.times]
        order = sorted(range(len(times)), key=times.__getitem__)
        yield Piece([events[n] for n in order], [times[n] for n in order])


def in_order(events: list[Event], newest: float) -> Piece:
    """Events of a log with the instant each came: its own, or that of a newer one before it.

    `newest` is the newest time before the first event.
    """
    times = list(itertools.accumulate(map(_time_of, events), max, initial=newest))
    return Piece(events, times[1:])
