"""The step `counter`: what a meter has counted since its last reading."""

import math
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from operators.component import Operator, StepContext
from operators.events import Event, Reading
from operators.model.units import Duration, convert
from operators.stateful.per_signal import SignalLogic


class Counter(Operator):
    """Turns a meter, whose readings only grow (energy, pulses, litres), into what was added since
    the reading before.

    A reading lower than the one before means that the meter began again: at zero, so that the whole
    reading is what was added, or, with `wraps_at`, past its highest number. Each time is counted as
    `restarted`. The first reading of a signal (subject and metric) adds nothing and does not pass;
    a signal that was silent for `forget` begins anew. Sums of the increments over spans of time are
    made by `window: {calculate: [sum]}`. Readings that are bad, stale or without a number are
    counted as
    `not_data`, those of another kind of unit as `unit`; those older than the last of their signal
    go to `late`.
    """

    NAME: ClassVar[str] = "counter"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "counter: {}",
        "counter: {wraps_at: 65536}",
        "counter: {forget: 30d}",
    )

    wraps_at: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="After which number the meter begins at 0 again.",
        examples=[65536],
    )
    forget: Duration = Field(
        7 * 86400.0, gt=0, description="How long a silent meter is remembered.", examples=["30d"]
    )

    def logic(self, context: StepContext) -> "CounterLogic":
        return CounterLogic(self, context)


class CounterLogic(SignalLogic):
    """State of a signal: the unit and value of its last reading."""

    def __init__(self, settings: Counter, context: StepContext) -> None:
        super().__init__(settings.forget, context)
        self._wraps_at = settings.wraps_at

    def take(self, event: Event, state: Any, out: list[Event]) -> Any:
        if not isinstance(event, Reading) or event.value is None or event.quality != "good":
            return self.refuse("not_data")
        value = event.value
        if not math.isfinite(value):
            return self.refuse("not_data")
        unit, before = state or (event.unit, None)
        if event.unit != unit and event.unit is not None and unit is not None:
            try:
                value = convert(value, event.unit, unit)
            except ValueError:
                return self.refuse("unit")
        if before is not None:
            added = value - before
            if added < 0:
                self.count("restarted")
                added = value if self._wraps_at is None else added + self._wraps_at
            if added < 0:
                return self.refuse("not_data")
            out.append(
                msgspec.structs.replace(event, id=f"{event.id}/{self.step}", value=added, unit=unit)
            )
        return unit, value
