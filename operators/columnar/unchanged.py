"""Which readings of a batch change nothing, told for all of them at once; for steps that keep very
many subjects.

A step that looks at one reading after the other waits for memory at each: of a million subjects
neither the entry of the dictionary nor the state nor its numbers are in a cache. A short pass over
a column waits for many of them together. So a step with many subjects (`operators.columnar.policy` says when)
keeps, beside its objects, a `Lane`: a row of numbers for each subject, found by the hash of its
name. Of a batch the lane tells the readings that change nothing; the step looks at the others, in
their order.

While a step has a lane, the newest of what the lane holds is there: before a step looks at an
object it has it brought, and after it puts it back. What a batch has in common for all steps is
made once (`columns_of`).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.columnar.columns import WRAP, Columns, Floats, Ints, Keys, Kind

Shape = tuple[float, float, str | None, str | None]
"""Which readings of a row change nothing: from, to, and of which kind."""

MOST_SHAPES = 10_000
LOOK, GONE = -1, -2
"""Shapes of a row of which every reading is looked at, and of one that nobody has."""
_NOTHING = (math.inf, -math.inf)
_FIRST_ROWS = 1024


class Lane:
    """Rows by key. A plain reading within the row's shape and not before `last` changes nothing but
    what was last read.

    `more` are further columns, names and types, of a subclass.
    """

    more: tuple[tuple[str, Any], ...] = ()
    in_time: np.ufunc = np.less_equal
    """What `last` must be to the time of a reading."""

    def __init__(self) -> None:
        self.rows = self.gone = 0
        self._shapes: dict[Shape, int] = {}
        self._keys: Keys = np.empty(_FIRST_ROWS, np.uint64)
        self._turn: NDArray[np.int32] = np.empty(_FIRST_ROWS, np.int32)
        self.shape: NDArray[np.int32] = np.empty(_FIRST_ROWS, np.int32)
        self.last: Floats = np.empty(_FIRST_ROWS)
        for name, type_ in self.more:
            setattr(self, name, np.empty(_FIRST_ROWS, type_))
        self._columns = ("_keys", "_turn", "shape", "last", *(name for name, _ in self.more))
        self._index()

    def shape_of(self, low: float, high: float, until: float, kind: Kind) -> int:
        """The number of a shape; `LOOK` where a timer runs, which may change what is quiet, and
        where there are too many.
        """
        if until != math.inf or low > high:
            return LOOK
        shape = (low, high, *kind)
        if len(self._shapes) >= MOST_SHAPES:
            return self._shapes.get(shape, LOOK)
        return self._shapes.setdefault(shape, len(self._shapes))

    def add(self, key: int) -> int:
        """The row for a key that is new or whose row was freed, to be filled; -1 if somebody
        else has it.
        """
        row = self.row(key)
        if row >= 0:
            if self.shape[row] != GONE:
                return -1
            self.gone -= 1
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
        """Nobody has this row any more; it waits for its key to come back."""
        self.shape[row] = GONE
        self.gone += 1

    @property
    def spent(self) -> bool:
        """Whether a new lane would be much smaller."""
        return 2 * self.gone > self.rows

    def add_all(self, keys: Keys) -> bool:
        """Rows for keys, in their order, in an empty lane. False where two are the same."""
        if len(np.unique(keys)) < len(keys):
            return False
        while len(self._keys) < len(keys):
            self._grow()
        self.rows = len(keys)
        self._keys[: self.rows] = keys
        self._index()
        return True

    def row(self, key: int) -> int:
        """The row of a key; -1 if there is none."""
        place = key & self._mask
        row: int
        while (row := self._row_at.item(place)) >= 0 and self._keys.item(row) != key:
            place = (place + 1) & self._mask
        return row

    def find(self, keys: Keys) -> Ints:
        """The row of each key; -1 where there is none."""
        places = (keys & np.uint64(self._mask)).view(np.int64)
        rows = self._row_at[places]
        wrong = np.flatnonzero((rows >= 0) & (self._keys[rows] != keys))
        while wrong.size:
            places[wrong] = (places[wrong] + 1) & self._mask
            rows[wrong] = found = self._row_at[places[wrong]]
            wrong = wrong[(found >= 0) & (self._keys[found] != keys[wrong])]
        return rows

    def quiet(
        self, columns: Columns, salt: int = 0, earliest: float = -math.inf, latest: float = math.inf
    ) -> tuple[Ints, Ints]:
        """Which of the plain readings from `earliest` to `latest` change nothing, as their numbers,
        and their rows.

        A reading of whose row the batch holds another event is not among them.
        """
        rows = self.find(columns.keys + np.uint64(salt & WRAP))
        values, times = columns.values, columns.times
        low, high = self._bounds(columns.kind)
        shape = np.where(rows < 0, LOOK, self.shape[rows])
        quiet = (
            (low[shape] <= values) & (values <= high[shape]) & self.in_time(self.last[rows], times)
        )
        quiet &= (earliest <= times) & (times <= latest)
        turns = np.arange(len(rows), dtype=np.int32)
        self._turn[rows] = turns
        again = rows[self._turn[rows] != turns]
        if columns.others:
            again = np.concatenate((again, self.find(columns.other_keys + np.uint64(salt & WRAP))))
        if again.size:
            quiet &= ~np.isin(rows, again)
        if quiet.all():
            return turns, rows
        chosen = np.flatnonzero(quiet)
        return chosen, rows[chosen]

    def _bounds(self, kind: Kind) -> tuple[Floats, Floats]:
        """From and to of each shape, and last of `GONE` and `LOOK`; nothing is between them, nor
        between another kind's.
        """
        bounds = [
            (low, high) if (metric, unit) == kind else _NOTHING
            for low, high, metric, unit in self._shapes
        ]
        low, high = np.array([*bounds, _NOTHING, _NOTHING]).T
        return low, high

    def _grow(self) -> None:
        for name in self._columns:
            old = getattr(self, name)
            setattr(self, name, np.concatenate((old, np.empty_like(old))))
        self._index()

    def _index(self) -> None:
        """Places by key, twice as many as rows at most; a row that finds its place taken goes to
        the next.
        """
        self._mask = 2 * len(self._keys) - 1
        self._row_at: NDArray[np.int32] = np.full(self._mask + 1, -1, np.int32)
        rows = np.arange(self.rows, dtype=np.int32)
        places = (self._keys[: self.rows] & np.uint64(self._mask)).view(np.int64)
        while rows.size:
            free = self._row_at[places] < 0
            self._row_at[places[free]] = rows[free]
            left = self._row_at[places] != rows
            rows, places = rows[left], (places[left] + 1) & self._mask
