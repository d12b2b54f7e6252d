"""The slots of an engine as columns, where there are very many."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.alarms.engine.state import NEVER, Slot
from operators.columnar.batch_columns import BatchColumns, Floats, Ids, Ints, fits, key_of, keys_of
from operators.columnar.state_columns import UNKNOWN, StateColumns


class SlotColumns(StateColumns):
    """One row for each slot: its `ts` (`last`), `id`, `value` and `wall`, and bounds from its mode.

    A slot without a state leaves these to its row, so that nothing is kept twice. A row's `value`
    is NaN where the slot keeps one that is no floating-point number, its id empty where the slot
    keeps one that is none or does not fit. Any reading with labels may change something.
    """

    more = (
        ("ids", "S32"),
        ("value", np.float64),
        ("wall", np.float64),
        ("turn", np.int32),
    )
    follows = np.less
    ids: Ids
    value: Floats
    wall: Floats
    turn: NDArray[np.int32]
    """Which reading of a batch was the last of a row, while one is recorded."""

    def enter(self, subject: str) -> bool:
        """Add a row for a new slot, to be stored. False where another subject has its key."""
        row = self.add(key_of(subject))
        if row < 0:
            return False
        self.bounds[row], self.last[row] = UNKNOWN, NEVER
        return True

    def store(self, subject: str, slot: Slot) -> None:
        """Write a slot's row; nothing is newer in a slot that left all to its row."""
        row = self.row(key_of(subject))
        if slot.ts < self.last.item(row):
            return
        value = slot.value
        self.bounds[row] = self._bounds_of(slot)
        self.last[row], self.wall[row] = slot.ts, slot.wall
        id = str(slot.id).encode() if fits(slot.id) else b""
        self._make_room(len(id))
        self.ids[row] = id
        self.value[row] = value if type(value) is float else math.nan

    def _bounds_of(self, slot: Slot) -> int:
        (low, high, due, unit), about = slot.mode, slot.about
        return (
            UNKNOWN
            if about is None or about[1]
            else self.bounds_number(low, high, due, (about[0], unit))
        )

    def fill(self, slots: Mapping[str, Slot]) -> bool:
        """Store all slots where there are none. False where two subjects have one key."""
        if not self.add_all(keys_of(slots)):
            return False
        all_ = slots.values()
        self.bounds[: self.rows] = [self._bounds_of(slot) for slot in all_]
        self.last[: self.rows] = [slot.ts for slot in all_]
        self.wall[: self.rows] = [slot.wall for slot in all_]
        self.value[: self.rows] = [
            value if type(value := slot.value) is float else math.nan for slot in all_
        ]
        ids = np.array([id if fits(id := slot.id) else "" for slot in all_], "S")
        self._make_room(ids.itemsize)
        self.ids[: self.rows] = ids
        for slot in all_:
            self.absorb(slot)
        return True

    def absorb(self, slot: Slot) -> None:
        """Keep what was stored here alone, where the slot has no state."""
        if slot.state is None:
            slot.ts = slot.wall = NEVER
            if fits(slot.id):
                slot.id = None
            if type(slot.value) is float:
                slot.value = None

    def load(self, subject: str, slot: Slot) -> None:
        """Give a slot what is newer in its row."""
        row = self.row(key_of(subject))
        if row >= 0 and self.last.item(row) > slot.ts:
            slot.ts, slot.wall = self.last.item(row), self.wall.item(row)
            id, value = self.ids.item(row), self.value.item(row)
            if id:
                slot.id = id.decode()
            if value == value:
                slot.value = value

    def record(self, rows: Ints, batch: BatchColumns, numbers: Ints, wall: float) -> bool:
        """Write what plain readings of a batch that change nothing leave behind: the last of a row.

        False, and nothing is written, where a row cannot hold the id of one.
        """
        self.turn[rows] = turns = np.arange(len(rows))
        is_last = self.turn[rows] == turns
        rows, numbers = rows[is_last], numbers[is_last]
        ids = batch.ids(numbers)
        if ids is None:
            return False
        self.last[rows], self.value[rows] = batch.times[numbers], batch.values[numbers]
        self.wall[rows] = wall
        self._make_room(ids.itemsize)
        self.ids[rows] = ids
        return True

    def _make_room(self, length: int) -> None:
        if length > self.ids.itemsize:
            self.ids = self.ids.astype(f"S{length}")

    def drop(self, subject: str) -> None:
        """Free the row of a slot that is gone."""
        self.free(self.row(key_of(subject)))

    def release(self, slots: Mapping[str, Slot]) -> None:
        """Give all slots what is theirs; the columns are done with."""
        for slot, ts, id, value, wall in zip(slots.values(), *self.contents(slots), strict=True):
            if ts > slot.ts:
                slot.ts, slot.id, slot.wall, slot.value = ts, id, wall, value

    def times(self, slots: Mapping[str, Slot]) -> list[float]:
        """Return `ts` of all slots, in their order."""
        times: list[float] = self.last[self.find(keys_of(slots))].tolist()
        return times

    def contents(
        self, slots: Mapping[str, Slot]
    ) -> tuple[list[float], list[str | None], list[Any], list[float]]:
        """Return `ts`, `id`, `value` and `wall` of all slots, in their order."""
        rows = self.find(keys_of(slots))
        names, numbers = map(bytes.decode, self.ids[rows].tolist()), self.value[rows].tolist()
        ids = [name or slot.id for name, slot in zip(names, slots.values(), strict=True)]
        values = [
            slot.value if number != number else number
            for number, slot in zip(numbers, slots.values(), strict=True)
        ]
        return self.last[rows].tolist(), ids, values, self.wall[rows].tolist()
