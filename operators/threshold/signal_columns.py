"""The signals of a `threshold` as columns, where there are very many."""

import math
from collections.abc import Iterable

import numpy as np

from operators.columnar.batch_columns import BatchColumns, key_of
from operators.columnar.state_columns import StateColumns
from operators.columnar.walk import Walk
from operators.threshold.signal import Signal


class SignalColumns(StateColumns):
    """One row for each signal. `last` is kept here alone; everything else the signal has too."""

    @staticmethod
    def salt(metric: str | None) -> int:
        """Return what tells the metrics of a subject apart, and from subjects of their name."""
        return 3 * hash(metric)

    def walk(self, batch: BatchColumns) -> Walk | None:
        """Return a walk over a batch; None where it would stop too often."""
        walk = Walk(self, batch, self.salt(batch.kind[0]))
        return None if walk.is_long else walk

    def fill(self, signals: list[Signal]) -> bool:
        """Store all signals where there are none. False where two have one key."""
        keys = (key_of(signal.subject, self.salt(signal.metric)) for signal in signals)
        if not self.add_all(np.fromiter(keys, np.uint64, len(signals))):
            return False
        self.last[: self.rows] = -math.inf
        for row, signal in enumerate(signals):
            signal.row = row
            self.store(signal)
            self.absorb(signal)
        return True

    def store(self, signal: Signal) -> bool:
        """Write a signal's row. False where another signal has its key."""
        row = signal.row
        if row < 0:
            row = signal.row = self.add(key_of(signal.subject, self.salt(signal.metric)))
            if row < 0:
                return False
            self.last[row] = signal.last
        self.bounds[row] = self.bounds_number(
            signal.low, signal.high, signal.until, (signal.metric, signal.unit)
        )
        self.last[row] = self.newest(signal)
        return True

    def newest(self, signal: Signal) -> float:
        """Return the time of a signal's last reading."""
        return max(signal.last, self.last.item(signal.row))

    def load(self, signal: Signal) -> None:
        """Give a signal the time of its last reading."""
        signal.last = self.newest(signal)

    def absorb(self, signal: Signal) -> None:
        """Keep the time of a signal's last reading here alone."""
        self.last[signal.row] = self.newest(signal)
        signal.last = -math.inf

    def release(self, signals: Iterable[Signal]) -> None:
        """Give all signals what is theirs; the columns are done with."""
        for signal in signals:
            if signal.row >= 0:
                self.load(signal)
                signal.row = -1
