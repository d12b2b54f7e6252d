"""The step `shape`: gives events a new form."""

from typing import Any, ClassVar

from pydantic import Field, field_validator

from operators.component import Logic, MapLogic, StepContext
from operators.events import Event, Occurrence
from operators.model.fields import field, text
from operators.model.template import Shape
from operators.transforms.map_settings import MapOperator


class ShapeStep(MapOperator):
    """Gives events a new form, `new: "{old}"`: an occurrence whose data are exactly these fields.

    Its id, time and labels are those of the event. Its `subject` and `type` are the fields of that
    name where the shape has them, else the event's subject, and its type or metric. Maps and lists
    may be nested; a text that is exactly one placeholder keeps the field's type, so `data:
    "{data}"` copies an object. A sink has a `shape` of its own, which does not change the stream.
    """

    NAME: ClassVar[str] = "shape"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        'shape: {entity: "{subject}", state: "{value}", at: "{time}"}',
        'shape: {type: "{metric}", details: {value: "{value}", area: "{area}"}}',
    )

    fields: dict[str, Any] = Field(
        description="New fields by name: texts with placeholders, constants, maps or lists.",
        examples=[{"state": "{value} {unit}"}],
    )

    @field_validator("fields", mode="after")
    @classmethod
    def _readable(cls, fields: dict[str, Any]) -> dict[str, Any]:
        Shape(fields)
        return fields

    def placeholders(self) -> list[str]:
        """Names of the fields that its texts ask for."""
        return Shape(self.fields).placeholders()

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        shape = Shape(self.fields, context.timezone)

        def reshape(event: Event) -> Event:
            data = shape.render(event)
            return Occurrence(
                id=event.id,
                time=event.time,
                subject=text(data.get("subject") or field(event, "subject")),
                type=text(
                    data.get("type")
                    or field(event, "type")
                    or field(event, "metric")
                    or _kind(event)
                ),
                data=data,
                topic=getattr(event, "topic", None),
                labels=getattr(event, "labels", {}),
            )

        return MapLogic.each(reshape)


def _kind(event: Event) -> str:
    return str(event.__struct_config__.tag)
