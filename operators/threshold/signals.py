"""The signals that a `threshold` knows."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from operators.columnar.lazy import LazyEvents, as_list, picked
from operators.columnar.store import ColumnStore
from operators.events import Event, Reading
from operators.model.fields import signal_of
from operators.threshold.signal import Signal

if TYPE_CHECKING:
    from operators.columnar.batch_columns import BatchColumns
    from operators.threshold.signal_columns import SignalColumns

LEAST_PIECE = 500


class Signals(ColumnStore["SignalColumns"]):
    """Signals by subject and metric; of very many, the time of the last reading is in columns.

    `get` gives the first signal of a subject; the others hang on it.
    """

    def __init__(self) -> None:
        super().__init__()
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
        if self.columns is not None and not self.columns.store(signal):
            self.give_up()

    def forget(self, over: Callable[[Signal], bool]) -> list[Signal]:
        """Free the signals that are over, and return them."""
        signals, columns = list(self.all()), self.columns
        self._first.clear()
        freed = []
        for signal in signals:
            signal.other = None
            if not over(signal):
                self.add(signal)
                continue
            freed.append(signal)
            if columns is not None:
                columns.free(signal.row)
        if columns is not None and columns.sparse:
            self.close()
        return freed

    def runs(
        self, events: Sequence[Event], may_forget: Callable[[float, float], bool], timed: bool
    ) -> Iterator[tuple[float, list[Event]]]:
        """Iterate over the events of a batch that may change something, in their order.

        With each run of them comes the newest time of the readings before it that change nothing,
        which are done with; minus infinity if there is none. `may_forget` says whether a signal may
        be freed by a batch of this oldest and newest time, `timed` whether signals may change by
        the time alone; else what changes nothing need not be told in between.
        """
        batch = self.batch_columns(events, len(self._first))
        columns = self.columns
        if columns is None:
            yield -math.inf, as_list(events)
            return
        for start, stop in self._pieces(events, batch):
            if batch is None or self.columns is not columns:
                yield from self._loaded(-math.inf, as_list(events[start:]))
                return
            piece = batch.cut(start, stop)
            if may_forget(piece.oldest, piece.newest):
                yield from self._loaded(-math.inf, as_list(events[start:stop]))
            else:
                yield from self._changing(columns, piece, events, start, timed)

    def _pieces(
        self, events: Sequence[Event], batch: "BatchColumns | None"
    ) -> Iterator[tuple[int, int]]:
        """Where a batch of columns is cut; a signal that changes has all of a piece looked at."""
        size = max(LEAST_PIECE, len(self._first))
        if batch is None or not isinstance(events, LazyEvents) or len(events) < 2 * size:
            size = len(events)
        for start in range(0, len(events), size):
            yield start, min(start + size, len(events))

    def _changing(
        self,
        columns: "SignalColumns",
        piece: "BatchColumns",
        events: Sequence[Event],
        start: int,
        timed: bool,
    ) -> Iterator[tuple[float, list[Event]]]:
        unchanged, rows = columns.unchanged(piece, columns.salt(piece.kind[0]))
        if 2 * len(unchanged) < piece.length:
            yield from self._loaded(-math.inf, as_list(events[start : start + piece.length]))
            return
        times = piece.times[unchanged]
        columns.last[rows] = times
        if places := piece.all_but(unchanged):
            changing = picked(events, [start + place for place in places])
            if timed:
                before = piece.newest_before(places, unchanged)
                for event, newest in zip(changing, before, strict=True):
                    yield from self._loaded(newest, [event])
            else:
                yield from self._loaded(-math.inf, changing)
        yield float(times.max()), []

    def _loaded(self, newest: float, events: list[Event]) -> Iterator[tuple[float, list[Event]]]:
        """A run of events whose signals hold, while they are looked at, what the columns have."""
        columns = self.columns
        if columns is not None:
            for signal in self._of(events):
                columns.load(signal)
        yield newest, events
        if columns is not None and self.columns is columns:
            for signal in self._of(events):
                columns.absorb(signal)

    def _of(self, events: list[Event]) -> Iterator[Signal]:
        for event in events:
            key = (event.subject, event.metric) if type(event) is Reading else signal_of(event)
            signal = self.find(*key)
            if signal is not None:
                yield signal

    def make_columns(self) -> "SignalColumns | None":
        """Return columns of all signals; None where two have one key."""
        from operators.threshold.signal_columns import SignalColumns

        columns = SignalColumns()
        return columns if columns.fill(list(self.all())) else None

    def release(self, columns: "SignalColumns") -> None:
        """Give all signals the time of their last reading."""
        columns.release(self.all())
