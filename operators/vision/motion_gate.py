"""The step `motion_gate`: passes pictures only while something moves."""

from typing import ClassVar

from pydantic import Field

from operators.component import Operator
from operators.model.units import Amount, Duration, Quantity


class MotionGate(Operator):
    """Passes pictures only while something moves on them, to spare detection the others."""

    NAME: ClassVar[str] = "motion_gate"
    STATEFUL: ClassVar[bool] = True
    RUNS: ClassVar[bool] = False
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
