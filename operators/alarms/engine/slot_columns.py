"""The lane of an alarm: what readings that change nothing leave behind, of very many subjects as
columns.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from operators.alarms.engine.state import NEVER, Slot
from operators.columnar.columns import Floats, Ids, Ints, fits, key_of, keys_of
from operators.columnar.unchanged import LOOK, Lane


class SlotLane(Lane):
    """One row for each slot: its `ts` (`last`), `id`, `value` and `wall`, and as its shape the mode
    and the metric.

    A slot without a state leaves these to its row, so that a quiet subject is not kept twice. A
    row's `value` is NaN where the slot keeps one that is no floating-point number, its id empty
    where the slot keeps one that is none or does not fit. Readings with labels are always looked
    at.
    """

    more = (("ids", "S32"), ("value", np.float64), ("wall", np.float64))
    in_time = np.less
    ids: Ids
    value: Floats
    wall: Floats

    def enter(self, subject: str) -> bool:
        """A row for a new slot, to be `put`. False where another subject has its key."""
        row = self.add(key_of(subject))
        if row < 0:
            return False
        self.shape[row], self.last[row] = LOOK, NEVER
        return True

    def put(self, subject: str, slot: Slot) -> None:
        """Write a slot's row; nothing is newer in a slot that left all to its row."""
        row = self.row(key_of(subject))
        if slot.ts < self.last.item(row):
            return
        value = slot.value
        self.shape[row] = self._shape_of(slot)
        self.last[row], self.wall[row] = slot.ts, slot.wall
        id = str(slot.id).encode() if fits(slot.id) else b""
        self._make_room(len(id))
        self.ids[row] = id
        self.value[row] = value if type(value) is float else math.nan

    def _shape_of(self, slot: Slot) -> int:
        (low, high, due, unit), about = slot.mode, slot.about
        return (
            LOOK if about is None or about[1] else self.shape_of(low, high, due, (about[0], unit))
        )

    def fill(self, slots: Mapping[str, Slot]) -> bool:
        """Put all slots into an empty lane. False where two subjects have one key."""
        if not self.add_all(keys_of(slots)):
            return False
        all_ = slots.values()
        self.shape[: self.rows] = [self._shape_of(slot) for slot in all_]
        self.last[: self.rows] = [slot.ts for slot in all_]
        self.wall[: self.rows] = [slot.wall for slot in all_]
        self.value[: self.rows] = [
            value if type(value := slot.value) is float else math.nan for slot in all_
        ]
        ids = np.array([id if fits(id := slot.id) else "" for slot in all_], "S")
        self._make_room(ids.itemsize)
        self.ids[: self.rows] = ids
        for slot in all_:
            self.take_over(slot)
        return True

    def take_over(self, slot: Slot) -> None:
        """What was put is kept here alone, where the slot has no state."""
        if slot.state is None:
            slot.ts = slot.wall = NEVER
            if fits(slot.id):
                slot.id = None
            if type(slot.value) is float:
                slot.value = None

    def bring(self, subject: str, slot: Slot) -> None:
        """Give a slot what is newer in its row."""
        row = self.row(key_of(subject))
        if row >= 0 and self.last.item(row) > slot.ts:
            slot.ts, slot.wall = self.last.item(row), self.wall.item(row)
            id, value = self.ids.item(row), self.value.item(row)
            if id:
                slot.id = id.decode()
            if value == value:
                slot.value = value

    def take(self, rows: Ints, times: Floats, values: Floats, ids: Ids, wall: float) -> None:
        """What readings that change nothing leave behind."""
        self.last[rows], self.value[rows], self.wall[rows] = times, values, wall
        self._make_room(ids.itemsize)
        self.ids[rows] = ids

    def _make_room(self, length: int) -> None:
        if length > self.ids.itemsize:
            self.ids = self.ids.astype(f"S{length}")

    def drop(self, subject: str) -> None:
        """A slot is gone."""
        self.free(self.row(key_of(subject)))

    def leave(self, slots: Mapping[str, Slot]) -> None:
        """Give all slots what is theirs; the lane is done with."""
        for slot, ts, id, value, wall in zip(slots.values(), *self.columns(slots), strict=True):
            if ts > slot.ts:
                slot.ts, slot.id, slot.wall, slot.value = ts, id, wall, value

    def times(self, slots: Mapping[str, Slot]) -> list[float]:
        """`ts` of all slots, in their order."""
        times: list[float] = self.last[self.find(keys_of(slots))].tolist()
        return times

    def columns(
        self, slots: Mapping[str, Slot]
    ) -> tuple[list[float], list[str | None], list[Any], list[float]]:
        """`ts`, `id`, `value` and `wall` of all slots, in their order."""
        rows = self.find(keys_of(slots))
        names, numbers = map(bytes.decode, self.ids[rows].tolist()), self.value[rows].tolist()
        ids = [name or slot.id for name, slot in zip(names, slots.values(), strict=True)]
        values = [
            slot.value if number != number else number
            for number, slot in zip(numbers, slots.values(), strict=True)
        ]
        return self.last[rows].tolist(), ids, values, self.wall[rows].tolist()
