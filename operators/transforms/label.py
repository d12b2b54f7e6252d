"""The step `label`: adds labels to events."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator

from operators.component import Logic, MapLogic, StepContext
from operators.events import Event
from operators.model.changes import changed
from operators.model.fields import text, with_labels
from operators.model.template import Template
from operators.transforms.map_settings import MapOperator


def _as_text(value: Any) -> Any:
    return text(value) if isinstance(value, (bool, int, float)) else value


class Label(MapOperator):
    """Adds labels: a text, or a text with placeholders.

    A label that is there already is replaced.
    """

    NAME: ClassVar[str] = "label"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "label: {area: yard}",
        'label: {floor: 2, name: "{subject} ({metric})"}',
    )

    fields: dict[str, Annotated[str, BeforeValidator(_as_text)]] = Field(
        description="Labels by name.", examples=[{"area": "yard"}]
    )

    @field_validator("fields", mode="after")
    @classmethod
    def _readable(cls, fields: dict[str, str]) -> dict[str, str]:
        for value in fields.values():
            Template(value)
        return fields

    def placeholders(self) -> list[str]:
        """Names of the fields that its texts ask for."""
        return [name for value in self.fields.values() for name in Template(value).placeholders()]

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        templates = {name: Template(value, context.timezone) for name, value in self.fields.items()}

        def add(event: Event) -> Event:
            return with_labels(
                event, {name: text(template.render(event)) for name, template in templates.items()}
            )

        return MapLogic.each(lambda event: changed(event, add))
