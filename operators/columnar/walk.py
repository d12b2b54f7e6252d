"""A walk over a batch: where something may change, one place after the other.

What a reading does depends on the state that those before it left. So a batch is held against the
state of its beginning, all at once; only the rows of which something may change are then looked
through, from one place to the next, against the state that the step has left there.
"""

import heapq
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator

import numpy as np

from operators.columnar.batch_columns import BatchColumns, Ints
from operators.columnar.state_columns import StateColumns, by_row

PATIENCE = 256
"""After so many places, a walk that stops at more than a quarter of them is given up."""


class _Readings:
    """The readings of one row, among those by row: from `at` to before `stop` they are to come.

    `due` is the place of the next that may change something.
    """

    __slots__ = ("at", "due", "stop")

    def __init__(self, at: int, stop: int) -> None:
        self.at, self.stop, self.due = at, stop, -1


class Walk:
    """The places at which a step must look; what is passed in between is noted in `columns.last`.

    A place is where the walk stops: any event that is not plain, a reading that may change
    something, one that brings the time of a timer. `over` ends it behind the present place, and
    `next` is the place there. One that `is_long` stops too often to be worth it.
    """

    def __init__(self, columns: StateColumns, batch: BatchColumns, salt: int) -> None:
        self.over = False
        self.next = 0
        self._columns, self._batch = columns, batch
        self._rows = rows = columns.find_batch(batch, salt)
        self._looked = rows < 0
        unknown, others = np.flatnonzero(self._looked), columns.find_others(batch, salt)
        self.is_long = 2 * (len(unknown) + len(others)) > batch.length
        self._tops = np.maximum.accumulate(batch.times)
        self._stops = self._noted = self._passed = 0
        self._moved: set[int] = set()
        self._heap: list[tuple[int, int]] = [
            *((place, -1) for place in map(self._place, unknown.tolist())),
            *zip(batch.others, (-2 - others).tolist(), strict=True),
        ]
        """Places to come, each with its row, or if it is one in any case, -2 minus its row."""
        if not self.is_long:
            self._find_touched(others)

    def _find_touched(self, others: Ints) -> None:
        """Put the readings of the rows of which something may change side by side."""
        batch, rows, columns = self._batch, self._rows, self._columns
        changing = columns.changing(batch, rows)
        is_touched = np.zeros(columns.rows + 1, np.bool_)
        for some in (rows[changing], columns.out_of_order(rows, batch.times), others):
            is_touched[some] = True
        is_touched[-1] = False
        numbers = np.flatnonzero(is_touched[rows])
        numbers = numbers[by_row(rows[numbers])]
        self._numbers, self._times, self._values = (
            column.tolist() for column in (numbers, batch.times[numbers], batch.values[numbers])
        )
        touched, starts = np.unique(rows[numbers], return_index=True)
        stops = np.append(starts[1:], len(numbers))[: len(starts)]
        is_lone = (stops - starts == 1) & changing[numbers[starts]]
        lone = batch.places[numbers[starts[is_lone]]].tolist()
        self._heap += zip(lone, (-2 - touched[is_lone]).tolist(), strict=True)
        spans = (column[~is_lone].tolist() for column in (touched, starts, stops))
        self._touched = {
            row: _Readings(start, stop) for row, start, stop in zip(*spans, strict=True)
        }
        heapq.heapify(self._heap)
        for row, readings in self._touched.items():
            self._search(row, readings)
        self.is_long = 3 * len(self._heap) > batch.length

    def runs(self, fire_at: Callable[[], float], ahead: float) -> Iterator[tuple[float, list[int]]]:
        """Iterate over runs of places, none of which depends on what is found at those before it.

        With each comes the newest time of the readings before it. `fire_at` is the time of a
        reading that makes a timer fire; a look at an event sets none of less than `ahead` seconds.
        """
        while not self.over and (first := self._first(until := fire_at())) is not None:
            newest, places, bound = self.newest, list[int](), math.inf
            found: tuple[int, int] | None = first
            while found is not None:
                place, row = found
                number = self._number(place)
                if not places:
                    newest = self._newest(number)
                is_plain = number < len(self._rows) and self._place(number) == place
                readings = self._pass(row, number)
                if is_plain:
                    self._looked[number] = True
                    until = min(until, self._tops.item(number) + ahead)
                number += is_plain
                if readings is None or (to := readings.at + is_plain) >= readings.stop:
                    self._touched.pop(row, None)
                else:
                    self._moved.add(row)
                    bound = min(bound, self._place(self._numbers[to]))
                places.append(place)
                if number < len(self._rows) and self._tops.item(number) >= until:
                    break
                found = self._follows(bound, until)
            self._passed, self.next = number, place + 1
            self._stops += len(places)
            if 4 * self._stops > place + PATIENCE:
                self.over = self.is_long = True
            yield newest, places
            for one in self._moved:
                readings = self._pass(one, number)
                if readings is not None:
                    self._search(one, readings)
            self._moved.clear()
        if not self.over:
            self._passed, self.next = len(self._rows), self._batch.length
        self.note()

    @property
    def newest(self) -> float:
        """The newest time of the readings that were passed."""
        return self._newest(self._passed)

    def _newest(self, number: int) -> float:
        return self._tops.item(number - 1) if number else -math.inf

    def moved(self, row: int) -> None:
        """Take note that a row has other bounds."""
        self._moved.add(row)

    def note(self) -> None:
        """Write the times of what was passed into the columns."""
        new = slice(self._noted, self._passed)
        self._noted = self._passed
        passed = ~self._looked[new]
        rows, times = self._rows[new][passed], self._batch.times[new][passed]
        last = self._columns.last
        last[rows] = np.maximum(last[rows], times)

    def _first(self, fire_at: float) -> tuple[int, int] | None:
        """Return the next place and its row."""
        heap = self._heap
        self._skip()
        if len(self._tops) and self._tops.item(-1) >= fire_at:
            number = int(np.searchsorted(self._tops, fire_at))
            place = self._place(number)
            if place >= self.next and (not heap or place < heap[0][0]):
                return place, self._rows.item(number)
        return self._pop() if heap else None

    def _follows(self, bound: int | float, until: float) -> tuple[int, int] | None:
        """Return the next place before `bound`, unless a time of `until` comes before it."""
        heap = self._heap
        self._skip()
        if not heap or heap[0][0] >= bound:
            return None
        number = self._number(heap[0][0])
        return None if number and self._tops.item(number - 1) >= until else self._pop()

    def _skip(self) -> None:
        """Take off what is due no longer."""
        heap = self._heap
        while heap and heap[0][1] >= 0:
            readings = self._touched.get(heap[0][1])
            if readings is not None and readings.due == heap[0][0]:
                return
            heapq.heappop(heap)

    def _pop(self) -> tuple[int, int]:
        heap = self._heap
        place, row = heapq.heappop(heap)
        if row < 0:
            return place, -2 - row
        self._touched[row].due = -1
        return place, row

    def _number(self, place: int) -> int:
        """How many plain readings are before a place."""
        return int(np.searchsorted(self._batch.places, place)) if self._batch.others else place

    def _place(self, number: int) -> int:
        return self._batch.places.item(number) if self._batch.others else number

    def _pass(self, row: int, number: int) -> _Readings | None:
        """Pass the readings of a row before the plain one of a number; None if it has none."""
        readings = self._touched.get(row)
        if readings is not None:
            to = bisect_left(self._numbers, number, readings.at, readings.stop)
            if to > readings.at and not self._looked.item(self._numbers[to - 1]):
                last = self._columns.last
                last[row] = max(last.item(row), self._times[to - 1])
            readings.at = to
        return readings

    def _search(self, row: int, readings: _Readings) -> None:
        """Find the next reading of a row that may change something."""
        low, high = self._columns.edges_of(row, self._batch.kind)
        last = self._columns.last.item(row)
        times, values = self._times, self._values
        for at in range(readings.at, readings.stop):
            time = times[at]
            if not (low <= values[at] <= high and last <= time):
                readings.due = self._place(self._numbers[at])
                heapq.heappush(self._heap, (readings.due, row))
                return
            last = time
        readings.due = -1
