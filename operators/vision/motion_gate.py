"""The step `motion_gate`: passes pictures only while something moves."""

from typing import ClassVar

from pydantic import Field, field_validator

from operators.component import Logic, MapLogic, Operator, StepContext
from operators.events import Event, Frame
from operators.model.units import Amount, Duration, Quantity


class MotionGate(Operator):
    """Passes pictures only while something moves on them, to spare detection the others.

    Motion is looked for where the picture is taken, so that a picture on which nothing moves is
    neither compressed nor sent anywhere. A picture is looked at every half minute anyway.
    """

    NAME: ClassVar[str] = "motion_gate"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("motion_gate: {min_area: 1 %, hold: 10s}",)

    min_area: Amount = Field(
        Quantity(number=1, unit="%"),
        description="How much of the picture must change.",
        examples=["1 %"],
    )
    hold: Duration = Field(
        10.0,
        ge=0,
        description="How long pictures still pass after the last motion.",
        examples=["10s"],
    )

    @field_validator("min_area")
    @classmethod
    def _an_area(cls, value: Quantity) -> Quantity:
        if value.unit not in (None, "%") or not 0 < _fraction(value) <= 1:
            raise ValueError(f"expected a part of the picture, such as 1 % or 0.01, got {value}")
        return value

    @property
    def area(self) -> float:
        """`min_area` as a fraction of the picture, 0 to 1."""
        return _fraction(self.min_area)

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return MapLogic(_moving)


def _fraction(area: Quantity) -> float:
    return area.number / 100 if area.unit == "%" else area.number


def _moving(events: list[Event], now: object) -> list[Event]:
    return [event for event in events if not isinstance(event, Frame) or event.moving]
