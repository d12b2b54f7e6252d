"""Rules that ask for a crossing: the value was on one side of the level and is now on the other."""

from collections.abc import Mapping
from typing import Any

from operators.model.units import Quantity, quantity

CROSSES = "crosses"
LASTS = "1s"
"""How long a crossing counts as active; one more within that time is the same."""


def level_of(row: Mapping[str, Any]) -> Quantity | None:
    """The level of a row that asks for a crossing; None if it does not. Raises `ValueError`."""
    written = row.get(CROSSES)
    return None if written is None else quantity(written)


class Crossings:
    """The side of its level on which each signal of each rule was last, and since when.

    A value at the level is on neither side.
    """

    def __init__(self) -> None:
        self._sides: dict[str, dict[tuple[str, str | None], tuple[bool, float]]] = {}

    def crossed(self, rule_id: str, event: Any, level: Quantity) -> bool:
        """Take a reading; return whether it crossed the level.

        Raises `ValueError` for a unit of another kind.
        """
        value, edge = event.value, level.in_unit(event.unit)
        sides = self._sides.setdefault(rule_id, {})
        signal = event.subject, event.metric
        before = sides.get(signal)
        if before is None:
            before = sides.pop((event.subject, None), None)
        if value == edge or (before is not None and event.time < before[1]):
            return False
        above = value > edge
        sides[signal] = (above, event.time)
        return before is not None and before[0] != above

    def metrics(self, rule_id: str, subject: str) -> list[str | None]:
        """Return the metrics of a subject that a rule judges."""
        sides = self._sides.get(rule_id, {})
        return [metric for known, metric in sides if known == subject]

    def forget(self, rule_id: str) -> None:
        """The rule is gone, or its level is another."""
        self._sides.pop(rule_id, None)

    def snapshot(self) -> list[list[Any]]:
        """Return [rule, subject, side, time, metric] of each."""
        return [
            [rule, subject, *side, metric]
            for rule, sides in self._sides.items()
            for (subject, metric), side in sides.items()
        ]

    def restore(self, saved: list[list[Any]]) -> None:
        """Take back what `snapshot` returned."""
        self._sides = {}
        for rule_id, subject, above, time, *metric in saved:  # earlier states have no metric
            signal = subject, metric[0] if metric else None
            self._sides.setdefault(rule_id, {})[signal] = (above, time)
