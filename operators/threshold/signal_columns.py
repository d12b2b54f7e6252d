"""The lane of `threshold`: the quiet path of very many signals as columns."""

import math
from collections.abc import Iterable

import numpy as np

from operators.columnar.columns import key_of
from operators.columnar.unchanged import Lane
from operators.threshold.signal import Signal


class SignalLane(Lane):
    """One row for each signal. `last` is kept here alone; everything else the signal has too."""

    @staticmethod
    def salt(metric: str | None) -> int:
        """Apart from a subject's own hash even where it has the name of the metric."""
        return 3 * hash(metric)

    def fill(self, signals: list[Signal]) -> bool:
        """Put all signals into an empty lane. False where two have one key."""
        keys = (key_of(signal.subject, self.salt(signal.metric)) for signal in signals)
        if not self.add_all(np.fromiter(keys, np.uint64, len(signals))):
            return False
        self.last[: self.rows] = -math.inf
        for row, signal in enumerate(signals):
            signal.row = row
            self.put(signal)
            self.take_over(signal)
        return True

    def put(self, signal: Signal) -> bool:
        """Write a signal's row. False where another signal has its key."""
        row = signal.row
        if row < 0:
            row = signal.row = self.add(key_of(signal.subject, self.salt(signal.metric)))
            if row < 0:
                return False
            self.last[row] = signal.last
        self.shape[row] = self.shape_of(
            signal.low, signal.high, signal.until, (signal.metric, signal.unit)
        )
        self.last[row] = self.newest(signal)
        return True

    def newest(self, signal: Signal) -> float:
        """The time of a signal's last reading."""
        return max(signal.last, self.last.item(signal.row))

    def bring(self, signal: Signal) -> None:
        """Bring what the columns hold of a signal into it."""
        signal.last = self.newest(signal)

    def take_over(self, signal: Signal) -> None:
        """The time of the last reading is kept here alone."""
        self.last[signal.row] = self.newest(signal)
        signal.last = -math.inf

    def leave(self, signals: Iterable[Signal]) -> None:
        """Give all signals what is theirs; the lane is done with."""
        for signal in signals:
            if signal.row >= 0:
                self.bring(signal)
                signal.row = -1
