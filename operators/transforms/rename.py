"""The step `rename`: gives metrics and occurrence types other names."""

from typing import ClassVar

import msgspec
from pydantic import Field

from operators.component import Logic, MapLogic, StepContext
from operators.events import Event, Occurrence, Reading, Summary
from operators.transforms.map_settings import MapOperator


class Rename(MapOperator):
    """Gives metrics (of an occurrence: its type) another name, `old: new`. Others pass as they are.

    To change subjects or labels, use `translate`.
    """

    NAME: ClassVar[str] = "rename"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("rename: {temperature_1: temperature, hum: humidity}",)

    fields: dict[str, str] = Field(
        description="New name by old name.", examples=[{"hum": "humidity"}]
    )

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        names = dict(self.fields)

        def rename(event: Event) -> Event:
            if isinstance(event, (Reading, Summary)) and event.metric in names:
                return msgspec.structs.replace(event, metric=names[event.metric])
            if isinstance(event, Occurrence) and event.type in names:
                return msgspec.structs.replace(event, type=names[event.type])
            return event

        return MapLogic.each(rename)
