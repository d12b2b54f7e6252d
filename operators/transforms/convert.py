"""The step `convert`: brings values to one unit for each metric."""

from typing import ClassVar

import msgspec
from pydantic import Field, field_validator

from operators.component import Logic, Now, StepContext, dead_letter
from operators.events import Event, Reading, Summary
from operators.model.units import UNITS, convert
from operators.transforms.map_settings import MapOperator

_COUNTS = frozenset({"count"})
_SPREADS = frozenset({"delta", "spread", "stddev"})


class Convert(MapOperator):
    """Converts the values of metrics to a unit, `metric: unit`. Other metrics pass as they are.

    A value without a unit is taken to be in the wanted unit already. A value whose unit is of
    another kind (a power that should become a temperature) is set aside with the reason `unit`.
    """

    NAME: ClassVar[str] = "convert"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("convert: {power: W, energy: kWh, temperature: °C}",)

    fields: dict[str, str] = Field(description="Unit by metric.", examples=[{"power": "W"}])

    @field_validator("fields", mode="after")
    @classmethod
    def _known(cls, fields: dict[str, str]) -> dict[str, str]:
        for unit in fields.values():
            convert(0.0, unit, unit)
        return fields

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return _ConvertLogic(dict(self.fields), context)


class _Factors(dict[tuple[str, str], tuple[float, float] | None]):
    """(unit, wanted unit) to (factor, offset) of the conversion, or None where there is none."""

    def __missing__(self, pair: tuple[str, str]) -> tuple[float, float] | None:
        unit, wanted = pair
        if unit not in UNITS or UNITS[unit][0] != UNITS[wanted][0]:
            factors = None
        else:
            _, factor, offset = UNITS[unit]
            _, to_factor, to_offset = UNITS[wanted]
            factors = (factor / to_factor, (offset - to_offset) / to_factor)
        self[pair] = factors
        return factors


class _ConvertLogic(Logic):
    def __init__(self, units: dict[str, str], context: StepContext) -> None:
        super().__init__()
        self._units = units
        self._context = context
        self._factors = _Factors()

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        units = self._units
        out = []
        for event in events:
            if isinstance(event, (Reading, Summary)):
                wanted = units.get(event.metric)
                if wanted is not None and event.unit != wanted:
                    converted = self._converted(event, wanted)
                    if converted is not None:
                        out.append(converted)
                    continue
            out.append(event)
        return out

    def _converted(self, event: Reading | Summary, wanted: str) -> Event | None:
        if event.unit is None:
            return msgspec.structs.replace(event, unit=wanted)
        factors = self._factors[event.unit, wanted]
        if factors is None:
            self.count("unit")
            detail = (
                f"{event.metric} of {event.subject} is in {event.unit}, which cannot become"
                f" {wanted}; correct the unit at the device or in 'decode', or leave the metric out"
                " of 'convert'"
            )
            self.errors.append(dead_letter(event, self._context, "unit", detail))
            return None
        factor, offset = factors
        if isinstance(event, Reading):
            value = None if event.value is None else event.value * factor + offset
            return msgspec.structs.replace(event, value=value, unit=wanted)
        values = {
            name: _statistic(name, value, factor, offset) for name, value in event.values.items()
        }
        return msgspec.structs.replace(event, values=values, unit=wanted)


def _statistic(name: str, value: float, factor: float, offset: float) -> float:
    if name in _COUNTS:
        return value
    return value * factor if name in _SPREADS else value * factor + offset
