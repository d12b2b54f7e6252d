"""The step `silence`: notices when nothing comes."""

from typing import ClassVar

from pydantic import Field

from operators.component import Operator
from operators.quantity import Duration, Some


class Silence(Operator):
    """Says when a signal has fallen silent, and when it is back.

    For each signal (subject and metric, or the fields of `by`) that has been heard once, an occurrence `silent` is emitted
    when nothing came for `after`, with that very time, and an occurrence `back` with the next event. Their data name the
    signal, `last` (time of its last event, epoch seconds) and, for `back`, `silent_for` (seconds). The events themselves
    do not pass. A signal that stays silent for a week is forgotten.
    """

    NAME: ClassVar[str] = "silence"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "after"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("silence: 10min", "silence: {after: 1h, by: subject}")

    after: Duration = Field(gt=0, description="How long nothing must come.", examples=["10min"])
    by: Some | None = Field(
        None, min_length=1, description="The field or fields that make a signal; subject and metric when left out.",
        examples=["subject"],
    )  # fmt: skip
