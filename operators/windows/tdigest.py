"""Percentiles in bounded memory: exact for few values, then a merging t-digest.

After T. Dunning and O. Ertl, "Computing extremely accurate quantiles using t-digests",
arXiv:1902.04023, with their scale function k1: centroids are small at both ends, so that high and
low percentiles are the most accurate ones.
"""

import math
from typing import Any

EXACT = 1000
"""So many values are kept as they are; more become at most `CENTROIDS` centroids."""
CENTROIDS = 200


class Quantiles:
    """A multiset of numbers. What it holds depends on the numbers and their order only."""

    __slots__ = ("centroids", "values")

    def __init__(self) -> None:
        self.values: list[float] = []
        self.centroids: list[tuple[float, float]] = []

    def add(self, values: list[float]) -> None:
        """Add numbers."""
        for start in range(0, len(values), EXACT):
            self.values += values[start : start + EXACT]
            self._bound()

    def merge(self, other: "Quantiles") -> None:
        """Add the numbers of another one."""
        self.values += other.values
        self.centroids += other.centroids
        self._bound()

    def at(self, share: float) -> float:
        """Return the number that a share (0 to 1) of the numbers do not exceed.

        Of those kept, it is the one of the nearest rank.
        """
        if not self.centroids:
            return sorted(self.values)[max(0, math.ceil(share * len(self.values) - 1e-9) - 1)]
        points = self._sorted()
        wanted = share * sum(weight for _, weight in points)
        before = position = 0.0
        low = points[0][0]
        for mean, weight in points:
            middle = before + weight / 2
            if wanted <= middle:
                return (
                    low + (mean - low) * (wanted - position) / (middle - position)
                    if middle > position
                    else mean
                )
            low, position, before = mean, middle, before + weight
        return points[-1][0]

    def _sorted(self) -> list[tuple[float, float]]:
        return sorted([*self.centroids, *((value, 1.0) for value in self.values)])

    def _bound(self) -> None:
        if len(self.values) + max(0, len(self.centroids) - CENTROIDS) <= EXACT:
            return
        points = self._sorted()
        total = sum(weight for _, weight in points)
        merged: list[tuple[float, float]] = []
        done = 0.0
        limit = total * _share_after(0.0)
        mean, held = points[0]
        for value, weight in points[1:]:
            if done + held + weight <= limit:
                held += weight
                mean += (value - mean) * weight / held
                continue
            merged.append((mean, held))
            done += held
            limit = total * _share_after(done / total)
            mean, held = value, weight
        merged.append((mean, held))
        self.values, self.centroids = [], merged

    def state(self) -> tuple[Any, ...]:
        """Return its content as plain data."""
        return tuple(self.values), tuple(self.centroids)

    @classmethod
    def of(cls, state: tuple[Any, ...]) -> "Quantiles":
        """Return what `state` made plain data of."""
        made = cls()
        made.values, made.centroids = list(state[0]), [(mean, weight) for mean, weight in state[1]]
        return made


def _share_after(share: float) -> float:
    """How far a centroid may reach that begins at a share: one step of the scale function k1."""
    k = CENTROIDS / (2 * math.pi) * math.asin(2 * share - 1) + 1
    return 1.0 if k >= CENTROIDS / 4 else (math.sin(k * 2 * math.pi / CENTROIDS) + 1) / 2
