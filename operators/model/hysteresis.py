"""Hysteresis: a value breaches a limit, is back to normal, or lies in the deadband between.

Thresholds and alarms, with all their levels, judge by `Limit`. The numbers in it come from
`limit_record`, whether a definition writes them or the column of a table does.
"""

import math
from collections.abc import Mapping
from typing import Any

from operators.model import two_state
from operators.model.condition import RANGES, Column
from operators.model.units import Quantity, quantity

NORMAL, DEADBAND, BREACH = 0, 1, 2
Interval = tuple[float, float]
NOTHING: Interval = (math.inf, -math.inf)
"""The interval without a value."""

KINDS = ("above", "below", "outside", "inside", "equals")


class NoLimit(Exception):
    """A subject has no limit: no label, no row, and there is no default."""


class BadLimit(NoLimit):
    """What a subject has for a limit is no number, or in a unit of another kind."""


class Limit:
    """A limit and where the condition ends (`clear`), of a record such as `{above: 30, clear: 28}`.

    `kind` is one of `KINDS`, or empty. The closed intervals `unbreached`, `breach`, `held`
    (breach or deadband) and `normal` spare a step the look at each value: they hold only such
    values, but not always all of them. Of `outside`, `breach` and `held` are empty, because their
    values lie on two sides; `breach_beside` and `held_beside` give one side.
    """

    __slots__ = (
        "_clear_high", "_clear_low", "_high", "_low", "breach", "clear", "held", "kind", "limit",
        "normal", "unbreached",
    )  # fmt: skip

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.kind = next((kind for kind in KINDS if kind in record), "")
        self.set_limit(self.kind, record.get(self.kind), record.get("clear"))

    def set_limit(self, kind: str, limit: Any, clear: Any) -> None:
        """Set the limit and where it ends, and the intervals that follow from them."""
        self.limit, self.clear = limit, clear
        end = limit if clear is None else clear
        low, high, clear_low, clear_high = -math.inf, math.inf, -math.inf, math.inf
        if kind == "outside":
            (low, high), (clear_low, clear_high) = limit, clear or limit
        elif kind == "above":
            high, clear_high = limit, end
        elif kind == "below":
            low, clear_low = limit, end
        elif kind == "inside":
            self._set_inside(limit, end)
            return
        elif kind != "equals":
            low, high = clear_low, clear_high = NOTHING
        elif not isinstance(limit, (bool, str)):
            low, high = (-math.inf, _under(limit)) if limit > 0 else (_over(limit), math.inf)
            clear_low, clear_high = low, high
        self._low, self._high, self._clear_low, self._clear_high = low, high, clear_low, clear_high
        self.unbreached, self.normal = (low, high), (clear_low, clear_high)
        self.breach = self.held = NOTHING
        if kind == "equals" and not isinstance(limit, (bool, str)):
            self.breach = self.held = (limit, limit)
        elif kind in ("above", "below"):
            self.breach, self.held = (
                _outside(low, high, None),
                _outside(clear_low, clear_high, None),
            )

    def _set_inside(self, limit: Any, clear: Any) -> None:
        """The values without the condition lie on two sides, of which one is named."""
        self._low, self._high = self.breach = (limit[0], limit[1])
        self._clear_low = clear[0] if clear[0] == limit[0] else _over(clear[0])
        self._clear_high = clear[1] if clear[1] == limit[1] else _under(clear[1])
        self.held = (self._clear_low, self._clear_high)
        side = -math.inf if self._clear_low > 0 else math.inf
        self.unbreached = _outside(self._low, self._high, side)
        self.normal = _outside(self._clear_low, self._clear_high, side)

    def judge(self, value: Any) -> tuple[bool, bool]:
        """Return (breach, normal) of a value; both are False in the deadband."""
        if self.kind == "equals":
            same = value == self.limit and (
                type(value) is type(self.limit)
                or not (isinstance(value, (bool, str)) or isinstance(self.limit, (bool, str)))
            )
            return same, not same
        if self.kind == "inside":
            breach = self._low <= value <= self._high
            return breach, not self._clear_low <= value <= self._clear_high
        breach = not self._low <= value <= self._high
        return breach, self._clear_low <= value <= self._clear_high

    def zone(self, value: Any) -> int:
        """Return BREACH, DEADBAND or NORMAL."""
        if self.kind == "equals":
            return BREACH if self.judge(value)[0] else NORMAL
        if self.kind == "inside":
            breach, normal = self.judge(value)
            return BREACH if breach else NORMAL if normal else DEADBAND
        if not self._low <= value <= self._high:
            return BREACH
        return NORMAL if self._clear_low <= value <= self._clear_high else DEADBAND

    def breach_beside(self, value: float) -> Interval:
        """Return values in breach, on the side on which `value` is."""
        return _outside(self._low, self._high, value) if self.kind == "outside" else self.breach

    def held_beside(self, value: float) -> Interval:
        """Return values in breach or in the deadband, on the side on which `value` is."""
        if self.kind != "outside":
            return self.held
        return _outside(self._clear_low, self._clear_high, value)


def _over(x: float) -> float:
    return math.nextafter(x, math.inf)


def _under(x: float) -> float:
    return math.nextafter(x, -math.inf)


def _outside(low: float, high: float, value: float | None) -> Interval:
    """Values outside [low, high]: on the open side, or else on that of `value`."""
    if low == -math.inf or (value is not None and value > high):
        return _over(high), math.inf
    return -math.inf, _under(low)


def limit_record(
    kind: str, edge: Any, clear: Any, cells: Mapping[str, Any], unit: str | None
) -> dict[str, Any]:
    """Return the record of a `Limit`, its numbers in `unit`, from the settings of a condition.

    `cells` holds what the subject has for the columns. Raises `NoLimit`, and ValueError for a unit
    of another kind.
    """
    if kind in RANGES:
        limits: dict[str, Any] = {kind: [one.in_unit(unit) for one in edge]}
        if isinstance(clear, list):
            limits["clear"] = [one.in_unit(unit) for one in clear]
        return limits
    limits = {kind: _number(edge, cells, unit)}
    if clear is not None and not isinstance(clear, list):
        end = _number(clear, cells, unit)
        limits["clear"] = min(end, limits[kind]) if kind == "above" else max(end, limits[kind])
    return limits


def resolved(value: Any, cells: Mapping[str, Any]) -> Any:
    """Return a setting, or the cell of the column it names; an empty cell gives the default."""
    if not isinstance(value, Column):
        return value
    cell = cells.get(value.column)
    return value.default if cell in (None, "") else cell


def _number(value: Any, cells: Mapping[str, Any], unit: str | None) -> float:
    if isinstance(value, Column):
        cell = resolved(value, cells)
        if cell is None:
            raise NoLimit(f"no {value.column!r}, and there is no default")
        value = quantity(cell)
    assert isinstance(value, Quantity)
    return value.in_unit(unit)


def state_value(wanted: bool | float | str, *metrics: str | None) -> float | str:
    """Return what `is` asks for: 1.0 or 0.0 of a two-state word, a number, or the text itself.

    The first of the metrics that has the word counts.
    """
    if not isinstance(wanted, str):
        return float(wanted)
    numbers = (two_state.number(metric or "", wanted) for metric in metrics)
    return next((number for number in numbers if number is not None), wanted)
