"""Readings side by side, from a record of a topic to the first step that asks for events."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from operators.columnar.batch_columns import (
    BatchColumns,
    Floats,
    Ints,
    Keys,
    Kind,
    ids_of,
)
from operators.columnar.lazy import LazyEvents
from operators.events import Event, EventBatch

Arrays = Sequence[Mapping[str, Any]]
"""Batches of Arrow: the arrays of fields by name, in the types of `arrow_batch`."""


class Source(NamedTuple):
    """What made columns, and makes the events of one or of some of its rows, and all subjects.

    `ids` are those of some rows. `arrays` gives some rows, or with None all, as they lie in Arrow.
    """

    one: Callable[[int], Event]
    pick: Callable[[Ints], list[Event]]
    ids: Callable[[Ints], list[str]]
    arrays: Callable[[Ints | None], Arrays]
    subjects: Callable[[], Sequence[str]]


class ReadingColumns(LazyEvents):
    """Rows of a source: `plain` are those that `BatchColumns` calls so, all of one `kind`.

    `times` are of all rows, `values` are nothing in particular where a row is not plain. `keys` are
    of subjects, and `numbers` says which of them is a row's.
    """

    are_readings = True

    def __init__(
        self,
        source: Source,
        kind: Kind,
        times: Floats,
        values: Floats,
        keys: Keys,
        numbers: Ints,
        plain: NDArray[np.bool_] | None = None,
        rows: Ints | None = None,
    ) -> None:
        self._source, self._kind = source, kind
        self.times: Any = times
        self._values, self._keys, self._numbers = values, keys, numbers
        self._plain = plain
        self._rows = rows
        self._made: EventBatch | None = None
        self.newest = float(times.max()) if len(times) else -np.inf
        self.oldest = float(times.min()) if len(times) else np.inf

    def __len__(self) -> int:
        return len(self.times)

    def made(self) -> EventBatch:
        """Return all as events, made once."""
        if self._made is None:
            self._made = EventBatch(self.some(np.arange(len(self))))
        return self._made

    def one(self, place: int) -> Event:
        """Return the event at a place."""
        if self._made is not None:
            return self._made[place]
        return self._source.one(place if self._rows is None else self._rows.item(place))

    def some(self, places: Ints) -> list[Event]:
        """Return the events at these places."""
        return self._source.pick(places if self._rows is None else self._rows[places])

    def arrays(self) -> Arrays:
        """Return them as they lie in Arrow."""
        return self._source.arrays(self._rows)

    def take(self, places: Any) -> "ReadingColumns":
        """Return those at these places, in their order, still as columns."""
        if isinstance(places, slice) and len(self) == len(range(*places.indices(len(self)))):
            return self
        if self._rows is not None:
            rows = self._rows[places]
        elif isinstance(places, slice):
            rows = np.arange(*places.indices(len(self)))
        else:
            rows = np.arange(len(self))[places]
        plain = None if self._plain is None else self._plain[places]
        columns = self.times[places], self._values[places], self._keys, self._numbers[places]
        return ReadingColumns(self._source, self._kind, *columns, plain, rows)

    def shared_out(self, part_of: Callable[[str], int]) -> dict[int, "ReadingColumns"]:
        """Return those of the subjects of each part, in their order."""
        of = np.array([part_of(name) for name in self.subjects()])[self._numbers]
        return {part: self.take(np.flatnonzero(of == part)) for part in np.unique(of).tolist()}

    def subjects(self) -> Sequence[str]:
        """Return the subjects that keys are of; any may come again, or be of other rows."""
        return self._source.subjects()

    @cached_property
    def columns(self) -> BatchColumns:
        """The plain ones side by side, for steps that work on columns."""
        times, values, numbers = self.times, self._values, self._numbers
        others = [] if self._plain is None else np.flatnonzero(~self._plain).tolist()
        if others:
            plain = self._plain
            times, values, numbers = times[plain], values[plain], numbers[plain]
        return BatchColumns(
            len(self), self._kind, others, times, values, self._keys, numbers,
            self._keys[self._numbers[others]],
            lambda chosen: ids_of(self.ids(self.columns.places[chosen])),
        )  # fmt: skip

    def ids(self, places: Ints) -> list[str]:
        """Return the ids of those at these places."""
        return self._source.ids(places if self._rows is None else self._rows[places])


def joined(parts: Sequence[Sequence[Event]]) -> Sequence[Event]:
    """Return parts as one, one behind the other; as columns where all are, and of one kind."""
    if len(parts) == 1:
        return parts[0]
    columns = [part for part in parts if isinstance(part, ReadingColumns)]
    if len(columns) < len(parts) or len({part._kind for part in columns}) > 1:
        return list(chain.from_iterable(parts))
    ends = list(accumulate(map(len, columns)))

    def one(row: int) -> Event:
        number = bisect_right(ends, row)
        return columns[number].one(row - ends[number] + len(columns[number]))

    def runs(rows: Ints) -> Iterator[tuple[ReadingColumns, Ints]]:
        """Which rows of which part."""
        numbers = np.searchsorted(ends, rows, "right")
        for number in np.unique(numbers).tolist():
            part = columns[number]
            yield part, rows[numbers == number] - ends[number] + len(part)

    def pick(rows: Ints) -> list[Event]:
        return list(chain.from_iterable(part.some(run) for part, run in runs(rows)))

    def ids(rows: Ints) -> list[str]:
        return list(chain.from_iterable(part.ids(run) for part, run in runs(rows)))

    def arrays(rows: Ints | None) -> Arrays:
        parts = columns if rows is None else (part.take(run) for part, run in runs(rows))
        return [batch for part in parts for batch in part.arrays()]

    def subjects() -> Sequence[str]:
        same = {id(part._keys): part for part in columns}
        return list(chain.from_iterable(part.subjects() for part in same.values()))

    keys, numbers = _joined_keys(columns)
    plain = None
    if any(part._plain is not None for part in columns):
        given = (np.ones(len(p), bool) if p._plain is None else p._plain for p in columns)
        plain = np.concatenate(list(given))
    return ReadingColumns(
        Source(one, pick, ids, arrays, subjects),
        columns[0]._kind,
        np.concatenate([part.times for part in columns]),
        np.concatenate([part._values for part in columns]),
        keys,
        numbers,
        plain,
    )


def _joined_keys(columns: Sequence[ReadingColumns]) -> tuple[Keys, Ints]:
    """The keys of several parts, those of parts with the same ones once, and whose is which."""
    starts: dict[int, int] = {}
    keys: list[Keys] = []
    numbers: list[Ints] = []
    length = 0
    for part in columns:
        if id(part._keys) not in starts:
            starts[id(part._keys)] = length
            keys.append(part._keys)
            length += len(part._keys)
        start = starts[id(part._keys)]
        numbers.append(part._numbers + start if start else part._numbers)
    return np.concatenate(keys), np.concatenate(numbers)
