"""The step `translate`: replaces the values of one field."""

from typing import ClassVar

from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext, dead_letter
from operators.events import Event
from operators.model.fields import field, text, value_of, with_field
from operators.model.units import Word


class Translate(Operator):
    """Replaces the values of one field by others, from a table in the definition.

    A field that an event does not have is not touched. What the table does not have is set aside
    with the reason `untranslated`, or kept, or replaced by one value, as `otherwise` says.
    """

    NAME: ClassVar[str] = "translate"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "translate: {field: type, values: {MOTION_DETECTED: motion_detected}, otherwise: keep}",
        "translate: {field: value, values: {ajar: open, locked: closed}}",
    )

    field: str = Field(description="The field whose values are replaced.", examples=["type"])
    values: dict[str, Word] = Field(
        min_length=1,
        description="New value by old value.",
        examples=[{"MOTION_DETECTED": "motion_detected"}],
    )
    otherwise: Word = Field(
        "dead_letter",
        description=(
            "What becomes of other values: `keep`, `dead_letter`, or one value for all of them."
        ),
        examples=["keep"],
    )

    def placeholders(self) -> list[str]:
        """Names of the fields that it reads."""
        return [self.field]

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return _TranslateLogic(self, context)


class _TranslateLogic(Logic):
    def __init__(self, settings: Translate, context: StepContext) -> None:
        super().__init__()
        self._field = settings.field
        self._values = settings.values
        self._otherwise = settings.otherwise
        self._context = context

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        return [out for event in events if (out := self._translated(event)) is not None]

    def _translated(self, event: Event) -> Event | None:
        found = value_of(event) if self._field == "value" else field(event, self._field)
        if found is None:
            return event
        old = text(found)
        if old in self._values:
            return self._set(event, self._values[old])
        if self._otherwise == "keep":
            return event
        if self._otherwise != "dead_letter":
            return self._set(event, self._otherwise)
        self._refuse(
            event,
            "untranslated",
            f"{old!r} is not among the values; add it, or say 'otherwise: keep'",
        )
        return None

    def _set(self, event: Event, value: Word) -> Event | None:
        try:
            return with_field(event, self._field, value)
        except ValueError as problem:
            self._refuse(event, "untranslatable", str(problem))
            return None

    def _refuse(self, event: Event, reason: str, detail: str) -> None:
        self.count(reason)
        self.errors.append(
            dead_letter(event, self._context, reason, f"translate of '{self._field}': {detail}")
        )
