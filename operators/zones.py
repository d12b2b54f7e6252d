"""The step `zones`: says which zone an object is in."""

from typing import ClassVar, Literal

from pydantic import Field

from operators.component import Operator
from operators.quantity import Duration, Some


class Zones(Operator):
    """Says when a tracked object enters and leaves a zone of its camera, in the phases `entered` and `left`."""

    NAME: ClassVar[str] = "zones"
    STATEFUL: ClassVar[bool] = True
    RUNS: ClassVar[bool] = False
    EXAMPLES: ClassVar[tuple[str, ...]] = ("zones: {stay: 1s}", "zones: {only: [loading], anchor: center}")

    stay: Duration = Field(0.0, ge=0, description="How long it must be inside before it has entered.", examples=["1s"])
    only: Some | None = Field(
        None, description="The zones meant; all of the camera when left out.", examples=["loading"]
    )
    anchor: Literal["bottom_center", "center", "overlap"] = Field(
        "bottom_center", description="The point of the object that must be inside, or any overlap."
    )
