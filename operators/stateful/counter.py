"""The step `counter`: what a meter has counted since its last reading."""

from typing import Any, ClassVar

import msgspec
from pydantic import Field

from operators.component import Operator, StepContext
from operators.events import Event, Reading
from operators.model.units import Duration
from operators.stateful.per_signal import SignalLogic


class Counter(Operator):
    """Turns a meter whose readings only grow (energy, pulses) into what was added each time.

    A reading lower than the one before means that the meter began again: at zero, so that the whole
    reading is what was added, or, with `wraps_at`, past its highest number. Each time is counted as
    `restarted`. The first reading of a signal (subject and metric) adds nothing and does not pass;
    a signal that was silent for `forget` begins anew. Sums of the increments over spans of time are
    made by `window: {calculate: [sum]}`. Readings that are bad, stale or without a number are
    counted as `not_data`, those of another kind of unit as `unit`; those older than the last of
    their signal go to `late`.
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
        """Make the step's logic for one shard."""
        return CounterLogic(self, context)


class CounterLogic(SignalLogic):
    """Keeps the value of each signal's last reading."""

    def __init__(self, settings: Counter, context: StepContext) -> None:
        super().__init__(settings.forget, context)
        self._wraps_at = settings.wraps_at

    def take_value(
        self, event: Reading, value: float, unit: str | None, before: Any, out: list[Event]
    ) -> Any:
        """Emit what was added since the reading before."""
        if before is not None:
            added = value - before
            if added < 0:
                self.count("restarted")
                added = value if self._wraps_at is None else added + self._wraps_at
            if added < 0:
                self.count("not_data")
                return None
            out.append(
                msgspec.structs.replace(event, id=f"{event.id}/{self.step}", value=added, unit=unit)
            )
        return value
