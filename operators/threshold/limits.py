"""Where the value of a signal lies: in breach of a limit, back to normal, or in the band
between.
"""

import math
from dataclasses import dataclass
from typing import Any

from operators.component import StepContext
from operators.events import Event, Reading
from operators.model import two_state
from operators.model.condition import Column, When
from operators.model.fields import number_of
from operators.model.tables import rows_by_key
from operators.model.units import Quantity, quantity

NORMAL, BAND, BREACH = 0, 1, 2
EMPTY = (math.inf, -math.inf)
MOST_SHARED = 10_000


class NoLimit(Exception):
    """The signal has no row, column or default to take its limit from."""


@dataclass(frozen=True)
class Zones:
    """Closed intervals of values, in the signal's unit; what is neither in breach nor normal is the
    band.

    `calm` holds no breach, `breach` only breaches, `raised` no normal value and `normal` only
    normal ones. An interval may be smaller than it could be: values outside are judged one by one.
    """

    calm: tuple[float, float]
    breach: tuple[float, float]
    raised: tuple[float, float]
    normal: tuple[float, float]
    low: float = -math.inf
    high: float = math.inf
    clear_low: float = -math.inf
    clear_high: float = math.inf
    equals: float | None = None

    def zone(self, value: float) -> int:
        """BREACH, BAND or NORMAL."""
        if self.equals is not None:
            return BREACH if value == self.equals else NORMAL
        if value < self.low or value > self.high:
            return BREACH
        return NORMAL if self.clear_low <= value <= self.clear_high else BAND


def _between(low: float, high: float, clear_low: float, clear_high: float) -> Zones:
    """Breach under `low` or over `high`; normal from `clear_low` to `clear_high`; infinite where
    a side is open.
    """
    breach = raised = EMPTY
    if low == -math.inf:
        breach, raised = (
            (math.nextafter(high, math.inf), math.inf),
            (math.nextafter(clear_high, math.inf), math.inf),
        )
    elif high == math.inf:
        breach, raised = (
            (-math.inf, math.nextafter(low, -math.inf)),
            (-math.inf, math.nextafter(clear_low, -math.inf)),
        )
    return Zones(
        (low, high), breach, raised, (clear_low, clear_high), low, high, clear_low, clear_high
    )


def _equal_to(number: float) -> Zones:
    others = (
        (-math.inf, math.nextafter(number, -math.inf))
        if number > 0
        else (math.nextafter(number, math.inf), math.inf)
    )
    return Zones(others, (number, number), (number, number), others, equals=number)


class LimitsOf:
    """The limits of a condition for each signal, from the definition, the event's labels or a
    table.
    """

    def __init__(self, when: When, context: StepContext) -> None:
        self._when = when
        self._kind = when.kind
        edges = [getattr(when, self._kind, None), when.clear]
        self.columns = tuple(edge.column for edge in edges if isinstance(edge, Column))
        self._tables = [rows_by_key(rows, "subject") for rows in context.tables.values()]
        self._shared: dict[Zones, Zones] = {}

    def cells(self, event: Event) -> tuple[str | None, ...]:
        """The labels that the limits depend on."""
        labels = getattr(event, "labels", {})
        return tuple(labels.get(column) for column in self.columns)

    def zones(self, event: Any) -> Zones:
        """The zones of the event's signal in its unit, one object for equal ones. Raises
        `NoLimit`, or ValueError for a unit of another kind."""
        zones = self._make(event)
        if len(self._shared) >= MOST_SHARED:
            self._shared.clear()
        return self._shared.setdefault(zones, zones)

    def _make(self, event: Any) -> Zones:
        when, unit = self._when, event.unit
        if self._kind == "is":
            return self._equal(event)
        if self._kind == "outside":
            assert when.outside is not None
            low, high = (edge.in_unit(unit) for edge in when.outside)
            clear = when.clear if isinstance(when.clear, list) else when.outside
            clear_low, clear_high = (edge.in_unit(unit) for edge in clear)
            return _between(low, high, clear_low, clear_high)
        edge = self._number(when.above if self._kind == "above" else when.below, event)
        clear_at = (
            edge
            if when.clear is None or isinstance(when.clear, list)
            else self._number(when.clear, event)
        )
        if self._kind == "above":
            return _between(-math.inf, edge, -math.inf, min(edge, clear_at))
        return _between(edge, math.inf, max(edge, clear_at), math.inf)

    def _number(self, edge: Quantity | Column | None, event: Any) -> float:
        if isinstance(edge, Column):
            cell = self._cell(edge.column, event)
            if cell is None:
                cell = edge.default
            if cell is None:
                raise NoLimit(f"{event.subject} has no {edge.column!r}, and there is no default")
            edge = quantity(cell)
        assert edge is not None
        return edge.in_unit(event.unit)

    def _cell(self, column: str, event: Event) -> str | None:
        found: str | None = getattr(event, "labels", {}).get(column)
        if found is not None:
            return found
        for rows in self._tables:
            if (row := rows.get(getattr(event, "subject", ""))) and column in row:
                return row[column]
        return None

    def _equal(self, event: Any) -> Zones:
        wanted = self._when.is_
        if isinstance(wanted, bool):
            wanted = "on" if wanted else "off"
        if isinstance(wanted, str):
            number = two_state.number(event.metric, wanted)
            return (
                Zones(EMPTY, EMPTY, EMPTY, EMPTY, equals=math.nan)
                if number is None
                else _equal_to(number)
            )
        assert wanted is not None
        return _equal_to(float(wanted))

    def zone(self, event: Event, zones: Zones) -> int | None:
        """Where the event lies; None if it has nothing to judge."""
        value = number_of(event)
        if value is not None and not math.isnan(value):
            return zones.zone(value)
        if self._kind == "is" and isinstance(event, Reading) and event.text is not None:
            return BREACH if event.text == str(self._when.is_) else NORMAL
        return None
