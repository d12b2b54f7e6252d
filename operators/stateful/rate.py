"""The step `rate`: how fast a signal changes."""

import math
from typing import Any, ClassVar

from pydantic import Field

from operators.component import Operator, StepContext
from operators.events import Event, Reading
from operators.model.units import SECONDS, Duration
from operators.stateful.per_signal import SignalLogic

SLOTS = 64
"""Of each 64th part of the span, the first reading is kept."""


class Rate(Operator):
    """Says how fast each signal (subject and metric) changes, as a new signal `METRIC_rate`.

    With each reading, the change since the oldest one within `over` is divided by the time between
    the two and given for `per`, so 2 °C in half an hour is 4 with `per: 1h`. Its unit is written
    `°C/h`, a limit for it without a unit. Readings less than half of `over` apart say too little;
    until then they are counted as `incomplete`. After a pause longer than `over`, it begins anew.
    Readings that are bad, stale or without a number are counted as `not_data`, those of another
    kind of unit as `unit`; those older than the last of their signal go to `late`.
    """

    NAME: ClassVar[str] = "rate"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "over"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("rate: 10min", "rate: {over: 30min, per: 1h}")

    over: Duration = Field(
        gt=0, description="The span over which the change is looked at.", examples=["10min"]
    )
    per: Duration = Field(
        60.0, gt=0, description="The time the change is given for.", examples=["1h"]
    )

    def logic(self, context: StepContext) -> "RateLogic":
        """Make the step's logic for one shard."""
        return RateLogic(self, context)


class RateLogic(SignalLogic):
    """Keeps the (time, value) of the first reading of each slot of the span."""

    def __init__(self, settings: Rate, context: StepContext) -> None:
        super().__init__(settings.over, context)
        self._over, self._per = settings.over, settings.per
        self._suffix = next(
            (f"/{name}" for name, seconds in SECONDS.items() if seconds == self._per), ""
        )

    def take_value(
        self, event: Reading, value: float, unit: str | None, before: Any, out: list[Event]
    ) -> Any:
        """Emit the change since the oldest reading within the span."""
        time = event.time
        points = [point for point in before or () if point[0] >= time - self._over]
        slot = self._over / SLOTS
        if not points or math.floor(points[-1][0] / slot) != math.floor(time / slot):
            points.append((time, value))
        since, first = points[0]
        if time - since < self._over / 2:
            self.count("incomplete")
        else:
            out.append(
                Reading(
                    id=f"{event.id}/{self.step}",
                    time=time,
                    subject=event.subject,
                    metric=f"{event.metric}_rate",
                    value=(value - first) / (time - since) * self._per,
                    unit=f"{unit}{self._suffix}" if unit and self._suffix else None,
                    labels=event.labels,
                )
            )
        return tuple(points)
