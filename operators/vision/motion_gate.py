"""The step `motion_gate`: passes pictures only while something moves."""

from typing import ClassVar

from pydantic import Field

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

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return MapLogic(_moving)


def _moving(events: list[Event], now: object) -> list[Event]:
    return [event for event in events if not isinstance(event, Frame) or event.moving]
