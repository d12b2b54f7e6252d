"""The step `detect`: finds objects on pictures."""

from typing import Annotated, ClassVar, Literal

import msgspec
from pydantic import Field

from operators.component import Logic, MapLogic, Operator, Spec, StepContext
from operators.events import Detection, Event, Frame
from operators.model.condition import Column
from operators.model.sun import is_day
from operators.model.tables import rows_by_key
from operators.model.units import Duration


class DetectBatch(Spec):
    """How pictures of all cameras are gathered for one run of the model."""

    max: int = Field(16, ge=1, le=256, description="The most pictures in one run.")
    wait: Duration = Field(
        0.04, ge=0, description="How long the first picture waits for others.", examples=["40ms"]
    )


class DayAndNight(Spec):
    """One number while the sun is up, and another while it is not."""

    day: float = Field(ge=0, le=1, description="While the sun is up.")
    night: float = Field(ge=0, le=1, description="While it is not.")


class Detect(Operator):
    """Finds objects on pictures with a model.

    One run takes pictures of all cameras, none before its turn. The model runs beside the flow, in
    a process of its own, so that nothing waits for it; of what it found on a picture this step
    takes the wanted classes, from the wanted confidence on. A `track` right behind it also hears of
    the pictures on which there was nothing.
    """

    NAME: ClassVar[str] = "detect"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        (
            "detect: {model: yolov8n, classes: [person, car], confidence: 0.5, batch: {max: 16,"
            " wait: 40ms}}"
        ),
        "detect: {model: yolov8n, classes: [person], confidence: {column: min_confidence}}",
        "detect: {model: yolov8n, classes: [person], confidence: {day: 0.6, night: 0.4}}",
        "detect: {model: yolov8n, classes: {person: 0.6, car: 0.4}}",
    )

    model: str = Field(
        min_length=1, description="The model's name, or its file.", examples=["yolov8n"]
    )
    classes: list[str] | dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        min_length=1,
        description=(
            "What to look for; written as a map, with the lowest score that counts of each class in"
            " place of `confidence`."
        ),
        examples=[["person", "car"], {"person": 0.6, "car": 0.4}],
    )
    confidence: Annotated[float, Field(ge=0, le=1)] | Column | DayAndNight = Field(
        0.5,
        description=(
            "The lowest score that counts, 0 to 1, or the column that says so, or one by `day` and"
            " one by `night`: between sunrise and sunset at the site's `location`."
        ),
        examples=[0.5],
    )
    region: Literal["frame", "motion"] = Field(
        "frame",
        description=(
            "Look at the whole `frame`, or at squares around what the `motion_gate` before it saw"
            " moving and around what was found last: for small objects on large pictures."
        ),
    )
    batch: DetectBatch | None = Field(None, description="How pictures are gathered.")

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        rows = [rows_by_key(rows, "name") for rows in context.tables.values() if rows]

        def lowest(frame: Frame) -> float:
            if isinstance(self.confidence, DayAndNight):
                day = is_day(frame.time, context.timezone, context.location)
                return self.confidence.day if day else self.confidence.night
            if not isinstance(self.confidence, Column):
                return self.confidence
            name = self.confidence.column
            cells = [frame.labels, *(row[frame.subject] for row in rows if frame.subject in row)]
            found = next((cell[name] for cell in cells if name in cell), self.confidence.default)
            return float(found or 0.0)

        def detections(events: list[Event], now: object) -> list[Event]:
            out: list[Event] = []
            for frame in events:
                if isinstance(frame, Frame) and frame.seen is not None:
                    out += self._of(frame, lowest(frame))
                    if context.then == "track":
                        out.append(msgspec.structs.replace(frame, jpeg=b"", seen=[]))
            return out

        return MapLogic(detections)

    def _of(self, frame: Frame, lowest: float) -> list[Detection]:
        own = self.classes if isinstance(self.classes, dict) else {}
        return [
            Detection(
                id=f"{frame.id}/{number}",
                time=frame.time,
                subject=frame.subject,
                class_=seen.class_,
                score=seen.score,
                box=seen.box,
                frame=frame.id,
                picture=frame.picture,
                labels=frame.labels,
            )
            for number, seen in enumerate(frame.seen or ())
            if seen.class_ in self.classes and seen.score >= own.get(seen.class_, lowest)
        ]
