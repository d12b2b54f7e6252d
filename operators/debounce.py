"""The step `debounce`: holds back the end of a two-state signal until it is quiet."""

from typing import ClassVar

from pydantic import Field

from operators.component import Operator
from operators.quantity import Duration


class Debounce(Operator):
    """Makes one `on` and one `off` of a chattering two-state signal (motion, door).

    The first `on` passes at once. An `off` passes only after the signal has been quiet for `clear_after`, with the time at
    which that was; each `on` in between extends it, and a sensor that never says `off` is cleared in the same way. What is
    held back is counted as `held`. Readings that are not two-state pass as they are.
    """

    NAME: ClassVar[str] = "debounce"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "clear_after"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("debounce: 30s", "debounce: {clear_after: 2min}")

    clear_after: Duration = Field(gt=0, description="How long it must be quiet before `off` passes.", examples=["30s"])
