"""The step `severity`: says how urgent an event is."""

from itertools import pairwise
from typing import ClassVar, Self

from pydantic import Field, model_validator

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event
from operators.model.changes import changed
from operators.model.fields import field, number_of, text, value_of, with_labels
from operators.model.priority import PRIORITIES, Priority
from operators.model.units import Amount, Quantity


class Severity(Operator):
    """Gives each event a label `priority`: low, medium, high or critical.

    It follows from what a device says, or from limits.

    `values` maps the words or numbers of a field, such as a camera's own severity. `above` or
    `below` gives a limit for each priority; the most urgent one whose limit is passed counts. What
    is not mapped gets `otherwise`, or without it no label, and is counted as `unmapped`. An alarm
    takes it with `priority: {column: priority}`.
    """

    NAME: ClassVar[str] = "severity"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        (
            "severity: {field: data.severity, values: {alert: high, detection: low}, otherwise:"
            " medium}"
        ),
        "severity: {above: {medium: 30 °C, high: 35 °C, critical: 45 °C}}",
        "severity: {below: {low: 20 %, high: 5 %}, otherwise: low, label: urgency}",
    )

    field: str = Field(
        "value",
        min_length=1,
        description="The field that `values` maps.",
        examples=["data.severity"],
    )
    values: dict[str, Priority] = Field(
        {}, description="Priority by value of the field.", examples=[{"alert": "high"}]
    )
    above: dict[Priority, Amount] = Field(
        {},
        description="For each priority the limit that is passed upwards.",
        examples=[{"high": "35 °C"}],
    )
    below: dict[Priority, Amount] = Field(
        {},
        description="For each priority the limit that is passed downwards.",
        examples=[{"high": "5 %"}],
    )
    otherwise: Priority | None = Field(
        None, description="The priority of everything else.", examples=["medium"]
    )
    label: str = Field(
        "priority", min_length=1, description="The label that is set.", examples=["urgency"]
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(map(bool, (self.values, self.above, self.below))) != 1:
            raise ValueError(
                "needs exactly one of 'values' (by words), 'above' or 'below' (by limits)"
            )
        limits, sign = (self.above, 1) if self.above else (self.below, -1)
        ordered = [limits[name] for name in PRIORITIES if name in limits]
        if len({limit.kind() for limit in ordered}) > 1:
            raise ValueError("the limits must have units of one kind")
        bases = [sign * limit.base() for limit in ordered]
        if any(one >= other for one, other in pairwise(bases)):
            raise ValueError("a more urgent priority needs a limit further out")
        return self

    def placeholders(self) -> list[str]:
        """Names of the fields that it reads."""
        return [self.field]

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return _SeverityLogic(self)


class _SeverityLogic(Logic):
    def __init__(self, settings: Severity) -> None:
        super().__init__()
        self._settings = settings
        limits = settings.above or settings.below
        self._limits: list[tuple[Priority, Quantity]] = [
            (p, limits[p]) for p in reversed(PRIORITIES) if p in limits
        ]

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        return [changed(event, self._mapped) for event in events]

    def _mapped(self, event: Event) -> Event:
        priority = (
            self._by_limit(event) if self._limits else self._by_word(event)
        ) or self._settings.otherwise
        if priority is None:
            self.count("unmapped")
            return event
        return with_labels(event, {self._settings.label: priority})

    def _by_word(self, event: Event) -> Priority | None:
        name = self._settings.field
        return self._settings.values.get(
            text(value_of(event) if name == "value" else field(event, name))
        )

    def _by_limit(self, event: Event) -> Priority | None:
        number = number_of(event)
        if number is None:
            return None
        try:
            for priority, limit in self._limits:
                edge = limit.in_unit(getattr(event, "unit", None))
                if number > edge if self._settings.above else number < edge:
                    return priority
        except ValueError:
            self.count("unit")
        return None
