"""The signals that a `threshold` knows."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from operators.columnar.lazy import as_list
from operators.columnar.store import ColumnStore
from operators.events import Event, Reading
from operators.model.fields import signal_of
from operators.threshold.signal import Signal

if TYPE_CHECKING:
    from operators.columnar.walk import Walk
    from operators.threshold.signal_columns import SignalColumns


class Signals(ColumnStore["SignalColumns"]):
    """Signals by subject and metric; of very many, the time of the last reading is in columns.

    `get` gives the first signal of a subject; the others hang on it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._walk: Walk | None = None
        self._held: list[Signal] = []
        """Those that are being looked at, and hold what else the columns have."""
        self._first: dict[str, Signal] = {}
        self.get = self._first.get

    def find(self, subject: str, metric: str) -> Signal | None:
        """Return the signal of a metric of a subject."""
        signal = self._first.get(subject)
        while signal is not None and signal.metric != metric:
            signal = signal.other
        return signal

    def add(self, signal: Signal) -> None:
        """Take a signal that is new."""
        if self.columns is not None:
            self._held.append(signal)
        self._link(signal)

    def _link(self, signal: Signal) -> None:
        first = self._first.setdefault(signal.subject, signal)
        if first is not signal:
            signal.subject, signal.other, first.other = first.subject, first.other, signal

    def all(self) -> Iterator[Signal]:
        """Iterate over all signals."""
        for first in self._first.values():
            signal: Signal | None = first
            while signal is not None:
                yield signal
                signal = signal.other

    def last(self, signal: Signal) -> float:
        """Return the time of a signal's last reading."""
        return signal.last if self.columns is None else self.columns.newest(signal)

    def settled(self, signal: Signal) -> None:
        """Take note of a signal whose bounds may have changed."""
        if self.columns is None:
            return
        if not self.columns.store(signal):
            self.give_up()
        elif self._walk is not None:
            self._walk.moved(signal.row)

    def forget(self, over: Callable[[Signal], bool]) -> list[Signal]:
        """Free the signals that are over, and return them."""
        self._end_walk()
        signals, columns = list(self.all()), self.columns
        self._first.clear()
        freed = []
        for signal in signals:
            signal.other = None
            if not over(signal):
                self._link(signal)
                continue
            freed.append(signal)
            if columns is not None:
                columns.free(signal.row)
        gone = set(map(id, freed))
        self._held = [signal for signal in self._held if id(signal) not in gone]
        if columns is not None and columns.sparse:
            self.close()
        return freed

    def runs(
        self, events: Sequence[Event], fire_at: Callable[[], float], ahead: float
    ) -> Iterator[tuple[float, list[Event]]]:
        """Iterate over the events of a batch that may change something, in their order.

        With each run of them comes the newest time of the readings before it that change nothing,
        which are done with; minus infinity if there is none. An event from `fire_at` on, which
        makes a timer fire, is among them; no event sets a timer of less than `ahead` seconds.
        """
        batch, start = self.batch_columns(events, len(self._first)), 0
        while batch is not None and self.columns is not None and start < len(events):
            walk = self.columns.walk(batch.after(start))
            if walk is None:
                break
            self._walk = walk
            try:
                for newest, places in walk.runs(fire_at, ahead):
                    changing = [events[start + place] for place in places]
                    yield from self._loaded(newest, changing)
            finally:
                self._walk = None
            yield walk.newest, []
            start += walk.next
            if walk.is_long:
                break
        if start < len(events):
            yield from self._loaded(-math.inf, as_list(events[start:] if start else events))

    def _loaded(self, newest: float, events: list[Event]) -> Iterator[tuple[float, list[Event]]]:
        """A run of events whose signals hold, while they are looked at, what the columns have."""
        columns = self.columns
        if columns is None:
            yield newest, events
            return
        self._held = [signal for event in events if (signal := self._of(event)) is not None]
        for signal in self._held:
            columns.load(signal)
        yield newest, events
        if self.columns is columns:
            for signal in self._held:
                columns.absorb(signal)

    def _of(self, event: Event) -> Signal | None:
        if type(event) is Reading:
            return self.find(event.subject, event.metric)
        return self.find(*signal_of(event))

    def make_columns(self) -> "SignalColumns | None":
        """Return columns of all signals; None where two have one key."""
        from operators.threshold.signal_columns import SignalColumns

        columns = SignalColumns()
        return columns if columns.fill(list(self.all())) else None

    def release(self, columns: "SignalColumns") -> None:
        """Give all signals the time of their last reading."""
        self._end_walk()
        columns.release(self.all())

    def _end_walk(self) -> None:
        """Rows will be others: what was passed is noted, and the rest walked anew."""
        if self._walk is not None:
            self._walk.note()
            self._walk.over = True
