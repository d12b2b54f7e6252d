"""The step `window`: statistics over spans of time."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from operators.component import Logic, Operator, StepContext
from operators.quantity import Duration, Some
from operators.window_logic import WindowLogic, WindowSettings

Statistic = Literal["mean", "min", "max", "sum", "count", "first", "last", "delta", "p95", "spread", "stddev"]


class Window(Operator):
    """Calculates statistics of each signal (subject and metric) over spans of event time, aligned to the epoch.

    Every `every`, a summary of the last `length` is emitted; a `length` longer than `every` makes sliding windows. A summary
    has the time of its window's end; a window without readings gives none. A window closes once the signal itself, or the
    flow's clock, is past its end by the flow's `lateness`; a reading for windows that have closed goes to `late`. Readings
    of bad or stale quality, or without a number, are left out and counted as `not_data`. A reading in another unit than the
    window's first is converted, or left out and counted as `unit`.

    `delta` is last minus first, `spread` max minus min, `stddev` that of the population, `p95` the value that 95 % do not
    exceed (nearest rank).
    """

    NAME: ClassVar[str] = "window"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "window: {every: 1min, calculate: [mean, max]}",
        "window: {every: 1min, length: 15min, calculate: [p95]}",
        "window: {every: 1h, calculate: [delta], by: label.area}",
    )

    every: Duration = Field(gt=0, description="How often a window ends.", examples=["1min"])
    length: Duration | None = Field(
        None, gt=0, description="How long each window is; as long as `every` when left out.", examples=["15min"]
    )
    calculate: list[Statistic] = Field(min_length=1, description="The statistics.", examples=[["mean", "max"]])
    by: Some | None = Field(
        None,
        min_length=1,
        description="Further fields that keep windows of one signal apart; they become labels of the summary.",
        examples=["label.phase"],
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        length = self.length or self.every
        if length < self.every:
            raise ValueError("'length' must not be shorter than 'every': readings between windows would be lost")
        if abs(length / self.every - round(length / self.every)) > 1e-9:
            raise ValueError("'length' must be a multiple of 'every', such as  every: 1min, length: 15min")
        if length / self.every > 1000:
            raise ValueError("'length' may be at most 1000 times 'every'")
        return self

    def placeholders(self) -> list[str]:
        """Names of the fields that keep windows apart."""
        return [self.by] if isinstance(self.by, str) else list(self.by or ())

    def logic(self, context: StepContext) -> Logic:
        panes = round((self.length or self.every) / self.every)
        return WindowLogic(
            WindowSettings(self.every, panes, tuple(self.calculate), tuple(self.placeholders())), context
        )
