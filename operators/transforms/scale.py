"""The step `scale`: multiplies and shifts values."""

from typing import ClassVar

import msgspec
from pydantic import Field

from operators.component import Logic, MapLogic, Operator, StepContext
from operators.events import Event, Reading
from operators.model.units import KnownUnit


class Scale(Operator):
    """Calculates value x `times` + `plus`, and may name the unit of the result.

    Events without a number pass as they are.

    It is for raw counts and sensors with an offset; between units of one kind, use `convert`.
    """

    NAME: ClassVar[str] = "scale"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("scale: {times: 0.1, unit: °C}", "scale: {plus: -0.4}")

    times: float = Field(1.0, allow_inf_nan=False, description="The factor.", examples=[0.1])
    plus: float = Field(
        0.0, allow_inf_nan=False, description="Added after multiplying.", examples=[-0.4]
    )
    unit: KnownUnit | None = Field(
        None, description="The unit of the result; unchanged when left out.", examples=["°C"]
    )

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        times, plus, unit = self.times, self.plus, self.unit

        def scale(event: Event) -> Event:
            if not isinstance(event, Reading) or event.value is None:
                return event
            return msgspec.structs.replace(
                event, value=event.value * times + plus, unit=unit or event.unit
            )

        return MapLogic.each(scale)
