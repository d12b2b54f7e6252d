"""The step `detect`: finds objects on pictures."""

from typing import Annotated, ClassVar

from pydantic import Field

from operators.component import Operator, Spec
from operators.model.condition import Column
from operators.model.units import Duration


class DetectBatch(Spec):
    """How pictures of all cameras are gathered for one run of the model."""

    max: int = Field(16, ge=1, le=256, description="The most pictures in one run.")
    wait: Duration = Field(
        0.04, ge=0, description="How long the first picture waits for others.", examples=["40ms"]
    )


class Detect(Operator):
    """Finds objects on pictures with a model.

    One run takes pictures of all cameras, none before its turn.
    """

    NAME: ClassVar[str] = "detect"
    RUNS: ClassVar[bool] = False
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        (
            "detect: {model: yolov8n, classes: [person, car], confidence: 0.5, batch: {max: 16,"
            " wait: 40ms}}"
        ),
        "detect: {model: yolov8n, classes: [person], confidence: {column: min_confidence}}",
    )

    model: str = Field(
        min_length=1, description="The model's name, or its file.", examples=["yolov8n"]
    )
    classes: list[str] = Field(
        min_length=1, description="What to look for.", examples=[["person", "car"]]
    )
    confidence: Annotated[float, Field(ge=0, le=1)] | Column = Field(
        0.5,
        description="The lowest score that counts, 0 to 1, or the column that says so.",
        examples=[0.5],
    )
    batch: DetectBatch | None = Field(None, description="How pictures are gathered.")
