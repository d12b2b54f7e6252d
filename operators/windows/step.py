"""The step `window`: statistics over spans of time."""

from typing import ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from operators.component import Logic, Operator, StepContext
from operators.model.units import Duration, Some
from operators.windows.base import WindowSettings
from operators.windows.session import SessionLogic
from operators.windows.tumbling import WindowLogic

Statistic = Literal[
    "mean", "min", "max", "sum", "count", "first", "last", "delta", "spread", "stddev", "median",
    "p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99",
]  # fmt: skip
STATISTICS: tuple[Statistic, ...] = get_args(Statistic)
"""Every statistic there is."""


class Window(Operator):
    """Calculates statistics of each signal (subject and metric) over spans of event time.

    With `every`, a summary of the last `length` is emitted every so often; a `length` longer than
    `every` makes sliding windows. Windows are aligned to the clock of the site's time zone: days
    begin at midnight and have 23 or 25 hours as it is set, weeks begin on Monday. With `gap`, a
    window is a session: it begins with a reading and ends when nothing came for `gap`. A summary
    has the time of its window's end (of a session: the last reading and the gap); a window without
    readings gives none, but where `count` alone is calculated: there it is 0, for a signal that
    came once (for a week) and for each subject of a table's column `subject`, if an `only` before
    names the metric. A window closes once the signal itself, or the flow's clock, is past its end
    by the flow's `lateness`; a reading for windows that have closed goes to `late`. Readings of bad
    or stale quality, or without a number, are left out and counted as `not_data`. A reading in
    another unit than the signal's first is converted, or left out and counted as `unit`. Where only
    `count` is calculated, occurrences and all other events count, too.

    `delta` is last minus first, `spread` max minus min, `stddev` that of the population. `p95` is
    the value that 95 % do not exceed (nearest rank), `median` is `p50`; over more than 1000
    readings they are estimated, with an error of rank that is below 1 % in the middle and far
    smaller at the ends. A sum too large for a number is left out and counted as `overflow`.
    """

    NAME: ClassVar[str] = "window"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "window: {every: 1min, calculate: [mean, max]}",
        "window: {every: 1min, length: 15min, calculate: [p95]}",
        "window: {every: 1h, calculate: [delta], by: label.area}",
        "window: {gap: 5min, calculate: [count, max]}",
    )

    every: Duration | None = Field(
        None, gt=0, description="How often a window ends.", examples=["1min"]
    )
    length: Duration | None = Field(
        None,
        gt=0,
        description="How long each window is; as long as `every` when left out.",
        examples=["15min"],
    )
    gap: Duration | None = Field(
        None,
        gt=0,
        description="Instead of `every`: how long nothing must come for a session to end.",
        examples=["5min"],
    )
    calculate: list[Statistic] = Field(
        min_length=1, description="The statistics.", examples=[["mean", "max"]]
    )
    by: Some | None = Field(
        None,
        min_length=1,
        description=(
            "Further fields that keep windows of one signal apart; they become labels of the"
            " summary."
        ),
        examples=["label.phase"],
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.every is None) == (self.gap is None):
            raise ValueError("needs 'every' (windows of one length) or 'gap' (sessions), not both")
        if self.every is None:
            if self.length is not None:
                raise ValueError(
                    "'length' is for windows with 'every'; a session is as long as its readings"
                )
            return self
        length = self.length or self.every
        if length < self.every:
            raise ValueError(
                "'length' must not be shorter than 'every': readings between windows would be lost"
            )
        if abs(length / self.every - round(length / self.every)) > 1e-9:
            raise ValueError(
                "'length' must be a multiple of 'every', such as  every: 1min, length: 15min"
            )
        if length / self.every > 1000:
            raise ValueError("'length' may be at most 1000 times 'every'")
        return self

    def placeholders(self) -> list[str]:
        """Names of the fields that keep windows apart."""
        return [self.by] if isinstance(self.by, str) else list(self.by or ())

    @property
    def takes_columns(self) -> bool:
        """Unless further fields keep windows apart."""
        return self.by is None

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        calculate, by = tuple(self.calculate), tuple(self.placeholders())
        if self.every is None:
            return SessionLogic(WindowSettings(calculate, by, gap=self.gap or 0.0), context)
        panes = round((self.length or self.every) / self.every)
        return WindowLogic(WindowSettings(calculate, by, self.every, panes), context)
