"""Statistics of the readings in a span of time, in memory independent of their number.

"Pane" is the word of stream processing for a slice that several sliding windows share (J. Li et
al., "No pane, no gain", SIGMOD Record 34, 2005).
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from operators.windows.tdigest import Quantiles

CHUNK = 256
"""Values are worked in by so many at once."""
_NUMBERS = (
    "count", "total", "lost", "mean", "squares", "min", "max", "first", "first_time", "last",
    "last_time",
)  # fmt: skip
_OLD = (
    "count",
    "first",
    "first_time",
    "last",
    "last_time",
    "max",
    "mean",
    "min",
    "squares",
    "total",
)


class Pane:
    """Statistics of readings, and the labels of the last one.

    The sum is compensated after Neumaier (A. Neumaier, ZAMM 54, 1974), mean and sum of squared
    deviations of parts are put together after Chan, Golub and LeVeque (The American Statistician
    37, 1983), each part in two passes. `fresh` are values, by time and none before `last_time`,
    that are not worked in yet.
    """

    __slots__ = (*_NUMBERS, "fresh", "labels", "quantiles")

    def __init__(self) -> None:
        self.count = 0
        self.total = self.lost = self.mean = self.squares = 0.0
        self.min, self.max = math.inf, -math.inf
        self.first = self.last = 0.0
        self.first_time, self.last_time = math.inf, -math.inf
        self.quantiles: Quantiles | None = None
        self.fresh: list[float] = []
        self.labels: dict[str, str] = {}

    def take(self, values: list[float], start: float, end: float, spread: bool, keep: bool) -> None:
        """Work in values by time; `start` and `end` are the times of the first and the last.

        `spread` is wanted for the standard deviation, `keep` for percentiles.
        """
        if start < self.first_time:
            self.first_time, self.first = start, values[0]
        if end >= self.last_time:
            self.last_time, self.last = end, values[-1]
        low, high = min(values), max(values)
        if low < self.min:
            self.min = low
        if high > self.max:
            self.max = high
        total = _sum(values)
        if spread:
            mean = total / len(values)
            self._spread(
                len(values), mean, _sum([(value - mean) * (value - mean) for value in values])
            )
        self.count += len(values)
        self._plus(total)
        if keep:
            if self.quantiles is None:
                self.quantiles = Quantiles()
            self.quantiles.add(values)

    def settle(self, end: float, spread: bool, keep: bool) -> None:
        """Work in the fresh values, the last of which came at `end`."""
        if self.fresh:
            self.take(self.fresh, self.first_time, end, spread, keep)
            self.fresh.clear()

    @classmethod
    def merged(cls, panes: "list[Pane]", spread: bool, keep: bool) -> "Pane":
        """Return one pane of several that follow each other in time, without fresh values."""
        whole = cls()
        first, last = panes[0], panes[-1]
        whole.first_time, whole.first = first.first_time, first.first
        whole.last_time, whole.last = last.last_time, last.last
        whole.labels = last.labels
        numbers = [(pane.count, pane.min, pane.max, pane.total, pane.lost) for pane in panes]
        counts, lows, highs, totals, losts = zip(*numbers, strict=True)
        whole.count, whole.min, whole.max = sum(counts), min(lows), max(highs)
        whole.total, whole.lost = _sum(totals), _sum(losts)
        if spread:
            whole.mean = _sum([pane.count * pane.mean for pane in panes]) / whole.count
            mean = whole.mean
            whole.squares = _sum(
                [p.squares + p.count * (p.mean - mean) * (p.mean - mean) for p in panes]
            )
        if keep:
            whole.quantiles = Quantiles()
            for pane in panes:
                if pane.quantiles is not None:
                    whole.quantiles.merge(pane.quantiles)
        return whole

    def _spread(self, count: int, mean: float, squares: float) -> None:
        whole = self.count + count
        delta = mean - self.mean
        self.mean += delta * count / whole
        self.squares += squares + delta * delta * self.count * count / whole

    def _plus(self, number: float) -> None:
        total = self.total + number
        if abs(self.total) >= abs(number):
            self.lost += (self.total - total) + number
        else:
            self.lost += (number - total) + self.total
        self.total = total

    def state(self) -> tuple[Any, ...]:
        """Return its content as plain data."""
        quantiles = None if self.quantiles is None else self.quantiles.state()
        return (
            tuple(getattr(self, name) for name in _NUMBERS),
            quantiles,
            tuple(self.fresh),
            dict(self.labels),
        )

    @classmethod
    def of(cls, state: tuple[Any, ...]) -> "Pane":
        """Return what `state` made plain data of."""
        pane = cls()
        numbers, quantiles, fresh, labels = state
        for name, number in zip(_NUMBERS, numbers, strict=True):
            setattr(pane, name, number)
        pane.quantiles = None if quantiles is None else Quantiles.of(quantiles)
        pane.fresh, pane.labels = list(fresh), dict(labels)
        return pane

    @classmethod
    def of_version_1(cls, state: tuple[Any, ...], labels: dict[str, str]) -> "Pane":
        """Return a pane as version 1 of the step saved it."""
        pane = cls()
        pane.labels = dict(labels)
        *numbers, values = state
        for name, number in zip(_OLD, numbers, strict=True):
            setattr(pane, name, number)
        if values:
            pane.quantiles = Quantiles()
            pane.quantiles.add(list(values))
        return pane


def _sum(values: Sequence[float]) -> float:
    if len(values) == 1:
        return values[0]
    try:
        return math.fsum(values)
    except OverflowError:
        return sum(values)


def _mean(pane: Pane) -> float:
    return min(max((pane.total + pane.lost) / pane.count, pane.min), pane.max)


_STATISTICS: dict[str, Callable[[Pane], float]] = {
    "mean": _mean,
    "min": lambda pane: pane.min,
    "max": lambda pane: pane.max,
    "sum": lambda pane: pane.total + pane.lost,
    "count": lambda pane: float(pane.count),
    "first": lambda pane: pane.first,
    "last": lambda pane: pane.last,
    "delta": lambda pane: pane.last - pane.first,
    "spread": lambda pane: pane.max - pane.min,
    "stddev": lambda pane: math.sqrt(pane.squares / pane.count),
}


def percentile(name: str) -> float | None:
    """Return the share (0 to 1) of a statistic such as `p95` or `median`; None for others."""
    if name == "median":
        return 0.5
    return int(name[1:]) / 100 if re.fullmatch(r"p\d+", name) else None


def statistic(name: str) -> Callable[[Pane], float]:
    """Return the function that reads a statistic from a pane without fresh values."""
    share = percentile(name)
    if share is None:
        return _STATISTICS[name]

    def at(pane: Pane) -> float:
        assert pane.quantiles is not None
        return min(max(pane.quantiles.at(share), pane.min), pane.max)

    return at
