"""The step `threshold`: turns a signal into on and off."""

from typing import ClassVar, Self

from pydantic import model_validator

from operators.component import Logic, Operator, StepContext
from operators.model.condition import Column, When
from operators.threshold.logic import ThresholdLogic


class Threshold(When, Operator):
    """Turns a signal (subject and metric) into one that is `on` while a condition holds.

    The new signal has the same subject and the metric's name with the kind of condition, such as
    `temperature_above` or
    `door_is`. One reading is emitted at each change; a signal begins as off, which is not emitted.
    `clear` keeps it from flickering; `for` and `clear_for` want the condition, or its end, at every
    reading for that long; the change then has the time at which the span was over.

    Readings of bad or stale quality, or without a number, change nothing and are counted as
    `not_data`; readings older than the last of their signal go to `late`. A summary with a single
    statistic counts as a reading. Limits with a unit are compared in the signal's unit. A limit
    from a column is taken from the event's labels, else from a table whose first column names the
    subject; without one and without a default the signal is left out (`no_limit`).
    """

    NAME: ClassVar[str] = "threshold"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "threshold: {above: 30 °C, clear: 28 °C, for: 2min}",
        "threshold: {outside: [40 %, 60 %], clear_for: 30s}",
        "threshold: {above: {column: limit, default: 30}}",
        "threshold: {is: open, times: 3, in: 1min}",
        "threshold: {silent: 15min}",
    )

    @model_validator(mode="after")
    def _no_runs(self) -> Self:
        if self.counts_readings:
            raise ValueError("only an alarm counts readings in a row; use 'for' or 'times'")
        return self

    @property
    def takes_columns(self) -> bool:
        """Unless it judges presence, or a limit depends on labels."""
        edges = (getattr(self, self.kind, None), self.clear)
        is_presence = self.seen is not None or self.silent is not None
        return not is_presence and not any(isinstance(edge, Column) for edge in edges)

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return ThresholdLogic(self, context)
