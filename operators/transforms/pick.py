"""The step `pick`: makes a reading from one field of an event."""

from typing import Any, ClassVar

from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.events import Event, Reading
from operators.model import two_state
from operators.model.fields import field, text
from operators.model.units import KnownUnit


class Pick(Operator):
    """Makes a reading from one field of an event.

    That may be an entry of an occurrence's data, one statistic of a summary, a label.

    The reading has the event's time, subject and labels. A number is its value, yes and no and the
    words of two-state metrics are 1 and 0, a text that is a number counts as one, any other text is
    the reading's text. Events without the field do not pass and are counted as `missing`.
    """

    NAME: ClassVar[str] = "pick"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "pick: {value: data.presence, metric: presence}",
        "pick: {value: mean, metric: temperature, unit: °C}",
    )

    value: str = Field(
        min_length=1, description="The field that becomes the value.", examples=["data.presence"]
    )
    metric: str = Field(
        min_length=1, description="The metric of the reading.", examples=["presence"]
    )
    unit: KnownUnit | None = Field(
        None, description="The unit of the value; that of the event when left out.", examples=["°C"]
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that it reads."""
        return [self.value]

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return _PickLogic(self)


class _PickLogic(Logic):
    def __init__(self, settings: Pick) -> None:
        super().__init__()
        self._settings = settings

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        return [reading for event in events if (reading := self._picked(event)) is not None]

    def _picked(self, event: Event) -> Reading | None:
        found = field(event, self._settings.value)
        if found is None:
            self.count("missing")
            return None
        metric = self._settings.metric
        number, words = _value(metric, found)
        return Reading(
            id=f"{event.id}/{metric}",
            time=event.time,
            subject=text(field(event, "subject")),
            metric=metric,
            value=number,
            text=words,
            unit=self._settings.unit or getattr(event, "unit", None),
            quality=getattr(event, "quality", "good"),
            labels=getattr(event, "labels", {}),
            topic=getattr(event, "topic", None),
        )


def _value(metric: str, found: Any) -> tuple[float | None, str | None]:
    if isinstance(found, (bool, int, float)):
        return float(found), None
    if not isinstance(found, str):
        return None, text(found)
    number = two_state.number(metric, found) if two_state.word(metric, 1.0) is not None else None
    if number is None:
        try:
            number = float(found)
        except ValueError:
            return None, found
    return number, None
