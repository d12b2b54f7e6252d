"""The step `track`: follows objects from picture to picture."""

from typing import ClassVar

from pydantic import Field

from operators.component import Operator
from operators.quantity import Duration


class Track(Operator):
    """Follows objects from picture to picture, in the phases `new`, `update` and `end`."""

    NAME: ClassVar[str] = "track"
    STATEFUL: ClassVar[bool] = True
    RUNS: ClassVar[bool] = False
    SHORT: ClassVar[str | None] = "lost_after"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("track: 3s", "track: {lost_after: 5s}")

    lost_after: Duration = Field(3.0, gt=0, description="How long an object may be out of sight.", examples=["3s"])
