"""The plain readings of a batch as columns, made once for all steps."""

import struct
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.columnar.lazy import LazyEvents
from operators.events import GOOD, Event, EventBatch, Reading

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]
Keys = NDArray[np.uint64]
Ids = NDArray[np.bytes_]
Kind = tuple[str | None, str | None]
"""What a batch of plain readings has in common: metric and unit."""

LONGEST_ID = 128
WRAP = (1 << 64) - 1


def key_of(subject: str, salt: int = 0) -> int:
    """Return the key of a row: Python's keyed 64-bit hash of the subject's name and a `salt`.

    The salt tells several rows of a subject apart. A look-up goes by the key alone: that a new
    subject has the key of one of a million known ones is a chance of one in 2e13, and until a
    reading changes something it is taken for that one.
    """
    return (hash(subject) + salt) & WRAP


class BatchColumns:
    """The plain readings of a batch, side by side.

    Plain are good readings with a number, without labels, of the metric and unit of the first.
    `places` are their positions, `others` those of all other events; `times` and `values` are of
    the plain ones. Their subjects have keys: `names` are different ones, and `numbers` says which
    of them is whose, unless they stand in the order of the readings. `ids` gives those of some
    plain ones; None where a row cannot hold one of them.
    """

    def __init__(
        self,
        length: int,
        kind: Kind,
        others: list[int],
        times: Floats,
        values: Floats,
        names: Keys,
        numbers: Ints | None,
        other_keys: Keys,
        ids: Callable[[Ints], "Ids | None"],
    ) -> None:
        self.length, self.kind, self.others = length, kind, others
        self.times, self.values, self.other_keys = times, values, other_keys
        self.names, self.numbers = names, numbers
        self.ids = ids

    @cached_property
    def places(self) -> Ints:
        """The positions of the plain readings."""
        places = np.arange(self.length)
        return np.delete(places, self.others) if self.others else places

    def after(self, start: int) -> "BatchColumns":
        """Return the columns of the events from a position on."""
        if not start:
            return self
        others = [place - start for place in self.others if place >= start]
        among = len(self.others) - len(others)
        first = start - among
        names, numbers = self.names, self.numbers
        if numbers is None:
            names = names[first:]
        else:
            numbers = numbers[first:]
        return BatchColumns(
            self.length - start, self.kind, others, self.times[first:], self.values[first:], names,
            numbers, self.other_keys[among:],
            lambda numbers: self.ids(numbers + first),
        )  # fmt: skip

    def all_but(self, chosen: Ints) -> list[int]:
        """Return the positions of all events but the chosen plain readings."""
        if len(chosen) == self.length:
            return []
        rest = np.ones(self.length, np.bool_)
        rest[self.places[chosen] if self.others else chosen] = False
        others: list[int] = np.flatnonzero(rest).tolist()
        return others


def batch_columns(events: Sequence[Event]) -> BatchColumns:
    """Return the columns of a batch, made by the first step that asks."""
    if isinstance(events, LazyEvents) and events.are_readings:
        return events.columns  # type: ignore[attr-defined, no-any-return]
    if type(events) is not EventBatch:
        return _of_events(list(events))
    columns = events.columns
    if not isinstance(columns, BatchColumns) or columns.length != len(events):
        columns = events.columns = _of_events(events)
    return columns


def _of_events(events: list[Event]) -> BatchColumns:
    first = next((event for event in events if type(event) is Reading), None)
    metric, unit = kind = (first.metric, first.unit) if first is not None else (None, None)
    given: list[Any] = events
    others = [
        n
        for n, event in enumerate(given)
        if type(event) is not Reading
        or event.quality is not GOOD
        or type(event.value) is not float
        or event.metric != metric
        or event.unit != unit
        or event.labels
    ]
    rest = [given[n] for n in others]
    readings = given
    if others:
        readings = [given[n] for n in np.delete(np.arange(len(events)), others).tolist()]
    return BatchColumns(
        len(events),
        kind,
        others,
        _floats([event.time for event in readings]),
        _floats([event.value for event in readings]),
        keys_of([event.subject for event in readings]),
        None,
        keys_of([getattr(event, "subject", "") for event in rest]),
        _Ids(readings).of,
    )


class _Ids:
    """The ids of readings, side by side once somebody asks for some of them."""

    def __init__(self, readings: list[Any]) -> None:
        self._readings = readings

    @cached_property
    def _all(self) -> "Ids | None":
        return ids_of([reading.id for reading in self._readings])

    def of(self, numbers: Ints) -> "Ids | None":
        return None if self._all is None else self._all[numbers]


def _floats(numbers: list[float]) -> Floats:
    return np.frombuffer(struct.pack(f"{len(numbers)}d", *numbers))


def keys_of(subjects: Collection[str]) -> Keys:
    """Return `key_of` each subject."""
    return np.fromiter(map(hash, subjects), np.int64, len(subjects)).view(np.uint64)


def fits(id: str | None) -> bool:
    """Return whether a row can hold an id: ASCII, not empty, not very long."""
    return id is not None and 0 < len(id) <= LONGEST_ID and id.isascii() and "\0" not in id


def ids_of(ids: list[str]) -> Ids | None:
    """Return ids side by side, without an object each; None where one does not fit."""
    text = "".join(ids)
    if not text.isascii() or "\0" in text or not all(ids):
        return None
    column = np.array(ids, "S")
    return column if column.itemsize <= LONGEST_ID else None
