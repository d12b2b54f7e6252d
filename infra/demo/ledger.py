"""What the simulated devices published: the account against which the archive is checked."""

import threading
from collections.abc import Mapping
from typing import NamedTuple

Signal = tuple[str, str]


class Total(NamedTuple):
    """How many readings of one signal, and the sum of their values in thousandths."""

    readings: int
    thousandths: int


class Ledger:
    """Counts readings by subject and metric; thread-safe, in memory that does not grow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[Signal, Total] = {}

    def add(self, subject: str, readings: Mapping[str, float]) -> None:
        """One reading per metric of `subject`, in the units the readings have after decoding."""
        with self._lock:
            for metric, value in readings.items():
                total = self._totals.get((subject, metric), Total(0, 0))
                self._totals[subject, metric] = Total(
                    total.readings + 1, total.thousandths + round(value * 1000)
                )

    def totals(self) -> dict[Signal, Total]:
        """The totals so far, by signal."""
        with self._lock:
            return dict(self._totals)

    def count(self) -> int:
        """How many readings were published."""
        return sum(total.readings for total in self.totals().values())


def differences(sent: Mapping[Signal, Total], kept: Mapping[Signal, Total]) -> list[str]:
    """A line for every signal whose readings were lost, kept twice, or kept with other values."""
    lines = []
    for signal in sorted({*sent, *kept}):
        one, other = sent.get(signal, Total(0, 0)), kept.get(signal, Total(0, 0))
        name = "/".join(signal)
        if one.readings != other.readings:
            lines.append(f"{name}: {one.readings} published, {other.readings} kept")
        elif one.thousandths != other.thousandths:
            lines.append(
                f"{name}: values add up to {one.thousandths / 1000:g}, kept ones to"
                f" {other.thousandths / 1000:g}"
            )
    return lines
