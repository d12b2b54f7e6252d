"""The state of very many subjects as columns, and which readings of a batch change nothing of it.

A step that looks at one reading after the other waits for memory at each: of a million subjects
neither the entry of the dictionary nor the state nor its numbers are in a cache. A short pass over
a column waits for many of them together. So a step with many subjects
(`operators.columnar.store` says when) keeps, beside its objects, `StateColumns`: a row of numbers
for each subject, found by the hash of its name. They give the readings of a batch that change
nothing; the step looks at the others, in their order.

While there are columns, the newest of what they hold is there: before a step looks at an object
it is loaded, and after it stored. What a batch has in common for all steps is made once
(`batch_columns`).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.columnar.batch_columns import WRAP, BatchColumns, Floats, Ints, Keys, Kind

Bounds = tuple[float, float, str | None, str | None]
"""Which readings of a row change nothing: from, to, and of which kind."""

MOST_BOUNDS = 10_000
UNKNOWN, FREE = -1, -2
"""Bounds of a row of which any reading may change something, and of one that nobody has."""
_EMPTY = (math.inf, -math.inf)
_FIRST_ROWS = 1024


class StateColumns:
    """Rows by key: a plain reading within a row's bounds changes nothing but what was last read.

    `last` is the time of that reading, `bounds` the number of the row's bounds. `more` are further
    columns, names and types, of a subclass.
    """

    more: tuple[tuple[str, Any], ...] = ()
    follows: np.ufunc = np.less_equal
    """What `last` must be to the time of a reading."""

    def __init__(self) -> None:
        self.rows = self.freed = 0
        self._known_bounds: dict[Bounds, int] = {}
        self._bounds_by_number: list[Bounds] = []
        self._keys: Keys = np.empty(_FIRST_ROWS, np.uint64)
        self.bounds: NDArray[np.int32] = np.empty(_FIRST_ROWS, np.int32)
        self.last: Floats = np.empty(_FIRST_ROWS)
        for name, type_ in self.more:
            setattr(self, name, np.empty(_FIRST_ROWS, type_))
        self._columns = ("_keys", "bounds", "last", *(name for name, _ in self.more))
        self._index()

    def bounds_number(self, low: float, high: float, until: float, kind: Kind) -> int:
        """Return the number of bounds.

        It is `UNKNOWN` where a timer runs, which may move them, and where there are too many.
        """
        if until != math.inf or low > high:
            return UNKNOWN
        bounds = (low, high, *kind)
        number = self._known_bounds.get(bounds, UNKNOWN)
        if number == UNKNOWN and len(self._known_bounds) < MOST_BOUNDS:
            number = self._known_bounds[bounds] = len(self._known_bounds)
            self._bounds_by_number.append(bounds)
        return number

    def add(self, key: int) -> int:
        """Return the row for a new key, or one whose row was freed; -1 if another has the key."""
        row = self.row(key)
        if row >= 0:
            if self.bounds[row] != FREE:
                return -1
            self.freed -= 1
            return row
        if self.rows == len(self._keys):
            self._grow()
        row = self.rows
        place = key & self._mask
        while self._row_at.item(place) >= 0:
            place = (place + 1) & self._mask
        self._row_at[place] = row
        self._keys[row] = key
        self.rows += 1
        return row

    def free(self, row: int) -> None:
        """Let a row wait for its key to come back."""
        self.bounds[row] = FREE
        self.freed += 1

    @property
    def sparse(self) -> bool:
        """Whether new columns would be much smaller."""
        return 2 * self.freed > self.rows

    def add_all(self, keys: Keys) -> bool:
        """Make rows for keys, in their order, where there are none; False if two are the same."""
        if len(np.unique(keys)) < len(keys):
            return False
        while len(self._keys) < len(keys):
            self._grow()
        self.rows = len(keys)
        self._keys[: self.rows] = keys
        self._index()
        return True

    def row(self, key: int) -> int:
        """Return the row of a key; -1 if there is none."""
        place = key & self._mask
        row: int
        while (row := self._row_at.item(place)) >= 0 and self._keys.item(row) != key:
            place = (place + 1) & self._mask
        return row

    def find(self, keys: Keys) -> Ints:
        """Return the row of each key; -1 where there is none."""
        places = (keys & np.uint64(self._mask)).view(np.int64)
        rows: Ints = self._row_at[places].astype(np.intp)
        wrong = np.flatnonzero((rows >= 0) & (self._keys[rows] != keys))
        while wrong.size:
            places[wrong] = (places[wrong] + 1) & self._mask
            rows[wrong] = found = self._row_at[places[wrong]]
            wrong = wrong[(found >= 0) & (self._keys[found] != keys[wrong])]
        return rows

    def find_batch(self, batch: BatchColumns, salt: int = 0) -> Ints:
        """Return the row of each plain reading of a batch; -1 where there is none."""
        rows = self.find(batch.names + np.uint64(salt & WRAP))
        return rows if batch.numbers is None else rows[batch.numbers]

    def find_others(self, batch: BatchColumns, salt: int = 0) -> Ints:
        """Return the row of the subject of each other event; -1 where there is none."""
        return self.find(batch.other_keys + np.uint64(salt & WRAP))

    def changing(self, batch: BatchColumns, rows: Ints) -> NDArray[np.bool_]:
        """Return which plain readings, each by itself, may change something of the present state.

        `rows` are theirs.
        """
        low, high = self._edges(batch.kind)
        bounds = self.bounds[rows]
        bounds[rows < 0] = UNKNOWN
        values = batch.values
        unchanged = low[bounds] <= values
        unchanged &= values <= high[bounds]
        unchanged &= self.follows(self.last[rows], batch.times)
        return ~unchanged

    def edges_of(self, row: int, kind: Kind) -> tuple[float, float]:
        """Return between which values a plain reading of a kind changes nothing of a row."""
        number = self.bounds.item(row)
        if number < 0:
            return _EMPTY
        low, high, *own = self._bounds_by_number[number]
        return (low, high) if tuple(own) == kind else _EMPTY

    def unchanged(
        self, batch: BatchColumns, earliest: float = -math.inf, latest: float = math.inf
    ) -> tuple[Ints, Ints]:
        """Return the numbers and the rows of the plain readings that change nothing.

        They lie from `earliest` to `latest`. A row of which any event of the batch may change
        something, or whose readings do not follow each other, has none among them.
        """
        rows, times = self.find_batch(batch), batch.times
        changing = self.changing(batch, rows) | (times < earliest) | (times > latest)
        touched = [rows[changing], self.out_of_order(rows, times), self.find_others(batch)]
        marked = np.zeros(self.rows + 1, np.bool_)
        for some in touched:
            marked[some] = True
        chosen = np.flatnonzero(~(changing | marked[rows]))
        return chosen, rows[chosen]

    def out_of_order(self, rows: Ints, times: Floats) -> Ints:
        """Return the rows some reading of which does not follow the one before it."""
        if self.follows is np.less_equal and (times[1:] >= times[:-1]).all():
            return rows[:0]
        order = by_row(rows)
        rows, times = rows[order], times[order]
        wrong: Ints = rows[1:][(rows[1:] == rows[:-1]) & ~self.follows(times[:-1], times[1:])]
        return wrong

    def _edges(self, kind: Kind) -> tuple[Floats, Floats]:
        """From and to of all bounds, and last of `FREE` and `UNKNOWN`; empty for another kind's."""
        bounds = [
            (low, high) if (metric, unit) == kind else _EMPTY
            for low, high, metric, unit in self._bounds_by_number
        ]
        low, high = np.array([*bounds, _EMPTY, _EMPTY]).T
        return low, high

    def _grow(self) -> None:
        for name in self._columns:
            old = getattr(self, name)
            setattr(self, name, np.concatenate((old, np.empty_like(old))))
        self._index()

    def _index(self) -> None:
        """Index rows by key in four times as many places; one whose place is taken goes on."""
        self._mask = 4 * len(self._keys) - 1
        self._row_at: NDArray[np.int32] = np.full(self._mask + 1, -1, np.int32)
        rows = np.arange(self.rows, dtype=np.int32)
        places = (self._keys[: self.rows] & np.uint64(self._mask)).view(np.int64)
        while rows.size:
            free = self._row_at[places] < 0
            self._row_at[places[free]] = rows[free]
            left = self._row_at[places] != rows
            rows, places = rows[left], (places[left] + 1) & self._mask


def by_row(rows: Ints) -> Ints:
    """Return the order of readings by row, and for each row as they came."""
    least = np.uint16 if len(rows) and rows.max() < np.iinfo(np.uint16).max else np.intp
    order: Ints = np.argsort(rows.astype(least), kind="stable")  # few numbers are sorted by digits
    return order
