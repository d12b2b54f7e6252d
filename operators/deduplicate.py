"""The step `deduplicate`: drops what says nothing new."""

from typing import ClassVar

from pydantic import Field

from operators.component import Operator
from operators.quantity import Duration, Some


class Deduplicate(Operator):
    """Drops an event that repeats an earlier one of the same signal (subject and metric) within a span of time.

    By `value`, it repeats the latest one that passed: a steady signal passes once in each span, a change at once. By any
    other field, such as `id`, it repeats any that passed within the span. Dropped events are counted as `duplicate`. What
    was seen is forgotten after the span.
    """

    NAME: ClassVar[str] = "deduplicate"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "within"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "deduplicate: 10s",
        "deduplicate: {by: id, within: 10min}",
        "deduplicate: {by: [type, label.area], within: 1min}",
    )

    within: Duration = Field(gt=0, description="The span in which a repetition is dropped.", examples=["10s"])
    by: Some = Field(
        "value", min_length=1, description="The field or fields that make two events the same.", examples=["id"]
    )
