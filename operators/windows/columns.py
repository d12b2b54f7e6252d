"""Readings that come as columns: those that only join the present pane of their signal.

A batch is gone through from one place to the next at which something else may happen: any event
that is not plain, a reading past its pane, one that brings the time of a timer. What is passed in
between waits, signal by signal, until somebody looks at its signal, and is worked in together.
"""

import heapq
import math
from bisect import bisect_left
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from operators.columnar.batch_columns import Floats, Ints
from operators.columnar.reading_columns import ReadingColumns
from operators.columnar.state_columns import by_row
from operators.events import Event
from operators.windows.pane import CHUNK
from operators.windows.signal import Signal


class Step(Protocol):
    """The logic that a batch goes through, which `operators.windows.base.Windows` is."""

    highest: float
    lateness: float

    def find(self, subject: str, metric: str | None) -> Signal | None:
        """Return a signal."""

    def look(self, events: list[Event], out: list[Event]) -> None:
        """Take events one by one."""

    def settle(self, signal: Signal) -> None:
        """Work in the values that came last."""

    def first_due(self) -> float:
        """Return before which time nothing is due."""

    def fire(self, limit: float, out: list[Event]) -> None:
        """Close what is due at `limit`."""


class Waiting:
    """The plain readings of a subject in a batch: those from `at` to before `stop` are to come.

    `due` is the place of the next that may do more than join the pane of `signal`.
    """

    __slots__ = ("_passage", "at", "due", "signal", "stop", "subject")

    def __init__(self, passage: "Passage", subject: str, at: int, stop: int) -> None:
        self._passage, self.subject, self.at, self.stop = passage, subject, at, stop
        self.signal: Signal | None = None
        self.due = -1

    def work_in(self) -> None:
        """Give the signal what was passed; it is looked at, so that another may be due."""
        passage, signal, at = self._passage, self.signal, self.at
        passage.moved.append(self)
        to = self.at = bisect_left(passage.places, passage.place, at, self.stop)
        if signal is None or to == at:
            return
        pane, logic = signal.pane, passage.logic
        while at < to:
            more = min(to, at + CHUNK - len(pane.fresh))
            pane.fresh += passage.values[at:more]
            signal.last, at = passage.times[more - 1], more
            if len(pane.fresh) >= CHUNK:
                logic.settle(signal)
        pane.labels = {}
        if passage.gap:
            signal.end = signal.last + passage.gap

    def lose(self) -> None:
        """Take note that the signal was freed."""
        self._passage.moved.append(self)
        self.signal = None


class Passage:
    """A batch on its way through a step: what lies before `place` was passed.

    With a `gap` windows are sessions. `places`, `times` and `values` are of its plain readings, by
    subject; `moved` are those of whose subjects something was looked at.
    """

    def __init__(self, logic: Step, events: ReadingColumns, gap: float) -> None:
        self.logic, self._events, self.gap = logic, events, gap
        self.place = 0
        self.moved: list[Waiting] = []
        batch = events.columns
        self._metric, self._unit = batch.kind
        tops = np.maximum(np.maximum.accumulate(events.times), logic.highest)
        self._tops: list[float] = [logic.highest, *tops.tolist()]
        self._floors: list[float] = (tops - logic.lateness).tolist()
        before = np.append(logic.highest, tops[:-1])
        names, firsts = list(events.subjects()), dict[str, int]()
        one = np.array([firsts.setdefault(name, n) for n, name in enumerate(names)], np.intp)
        numbers: Ints = one[batch.numbers]
        order = by_row(numbers)
        numbers, times, values = numbers[order], batch.times[order], batch.values[order]
        places = batch.places[order]
        is_first = np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)]
        starts = np.flatnonzero(is_first)
        self.places: list[int] = places.tolist()
        self.times: list[float] = times.tolist()
        self.values: list[float] = values.tolist()
        self._barred = self._next_barred(before[places], times, values, is_first)
        stops = [*starts[1:].tolist(), len(numbers)]
        self._heap = [(place, "") for place in batch.others]
        self._of: dict[str, Waiting] = {}
        for number, start, stop in zip(
            numbers[starts].tolist(), starts.tolist(), stops, strict=False
        ):
            self._of[names[number]] = waiting = Waiting(self, names[number], start, stop)
            self._search(waiting)
        heapq.heapify(self._heap)

    def _next_barred(
        self, before: Floats, times: Floats, values: Floats, is_first: NDArray[np.bool_]
    ) -> list[int]:
        """For each the next that does not join an open pane, whatever is before its subject's."""
        joins = np.isfinite(values) & (before - self.logic.lateness <= times)
        joins[1:] &= is_first[1:] | (times[1:] >= times[:-1])
        if self.gap:
            joins[1:] &= is_first[1:] | (times[1:] < times[:-1] + self.gap)
        barred = np.where(joins, len(joins), np.arange(len(joins)))
        found: list[int] = np.minimum.accumulate(barred[::-1])[::-1].tolist()
        return found

    def _search(self, waiting: Waiting) -> None:
        """Find the next reading of a subject that may do more than join its signal's pane."""
        at, stop = waiting.at, waiting.stop
        signal = waiting.signal = self.logic.find(waiting.subject, self._metric)
        if signal is not None:
            signal.waiting = waiting
        if at < stop and signal is not None and signal.unit == self._unit:
            end, time = signal.end, self.times[at]
            if signal.last <= time < end:
                end = math.inf if self.gap else end
                at = bisect_left(self.times, end, at, min(stop, self._barred[at]))
        waiting.due = self.places[at] if at < stop else -1
        if at < stop:
            heapq.heappush(self._heap, (waiting.due, waiting.subject))

    def go(self, out: list[Event]) -> None:
        """Let the step look at what it must, in the order of the batch."""
        logic, length = self.logic, len(self._events)
        while True:
            place, name = self._heap[0] if self._heap else (length, "")
            due = self._reaches(logic.first_due())
            if due < place:
                self.place = due + 1
                logic.highest = self._tops[due + 1]
                logic.fire(logic.highest - logic.lateness, out)
            elif place == length:
                break
            else:
                heapq.heappop(self._heap)
                self._look(place, name, out)
            moved, self.moved = self.moved, []
            for waiting in dict.fromkeys(moved):
                self._search(waiting)
        self.place = length
        logic.highest = self._tops[length]
        for waiting in self._of.values():
            waiting.work_in()
            if waiting.signal is not None:
                waiting.signal.waiting = None

    def _look(self, place: int, name: str, out: list[Event]) -> None:
        waiting = self._of.get(name)
        if waiting is not None and waiting.due != place:
            return
        event = self._events.one(place)
        self.place, self.logic.highest = place, self._tops[place]
        own = waiting or self._of.get(getattr(event, "subject", ""))
        if own is not None:
            own.work_in()
        self.logic.look([event], out)
        self.place = place + 1
        if waiting is not None:
            waiting.at += 1

    def _reaches(self, fire_at: float) -> int:
        """The first place to come whose reading brings the time of a timer."""
        return bisect_left(self._floors, fire_at, self.place)
