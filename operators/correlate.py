"""The step `correlate`: notices when several signs agree."""

from typing import ClassVar, Self

from pydantic import Field, model_validator

from operators.component import Operator
from operators.quantity import Duration, Some


class Correlate(Operator):
    """Emits an occurrence `correlation` when events of several roles come within a span of time.

    The stream's `from` names the roles. Events count together if they have the same `same` (a label or another field) and
    lie at most `within` apart, whatever the order of their arrival; with `in_order` their times must follow the order of
    the roles in `from`. `need` says how many different roles are wanted. An event counts for one correlation only.

    The occurrence has the time and subject of the latest event. Its data are `signs` (the roles, by time), `subjects`,
    `events` (their ids), `since` (epoch seconds of the first), the fields of `same`, and the `camera` of the latest picture or
    detection; its labels are those of all events. An event without the fields of `same` is counted as `unplaced`.
    """

    NAME: ClassVar[str] = "correlate"
    STATEFUL: ClassVar[bool] = True
    CROSS_SUBJECT: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "correlate: {same: area, within: 30s, need: 2}",
        "correlate: {within: 1min, in_order: true}",
    )

    same: Some | None = Field(
        None,
        min_length=1,
        description="The label or field, or several, that must agree; none when left out.",
        examples=["area"],
    )
    within: Duration = Field(gt=0, description="How far apart the events may be.", examples=["30s"])
    need: int | None = Field(None, ge=2, description="How many roles are wanted; all when left out.", examples=[2])
    in_order: bool = Field(False, description="Whether the times must follow the order of the roles.")

    @model_validator(mode="after")
    def _same_once(self) -> Self:
        if isinstance(self.same, list) and len(set(self.same)) != len(self.same):
            raise ValueError("'same' names a field twice")
        return self
