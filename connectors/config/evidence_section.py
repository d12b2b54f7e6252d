"""The part `evidence` of the site file: how long pictures and videos of events are kept."""

from pydantic import Field

from operators.component import Spec
from operators.model.priority import Priority
from operators.model.units import Duration


class EvidenceSection(Spec):
    """What is deleted and when; without `keep` and `bytes` nothing is.

    What somebody pinned stays, whatever stands here.
    """

    keep: Duration | None = Field(
        None, gt=0, description="How long pictures and clips are kept.", examples=["30d"]
    )
    keep_by: dict[Priority, Duration] = Field(
        {},
        description=(
            "The same by priority: that of the label `priority`, or of the alarm that an event"
            " raised."
        ),
        examples=[{"critical": "365d"}],
    )
    bytes: int | None = Field(
        None,
        ge=1 << 20,
        description=(
            "Most bytes of all together. The oldest of the lowest priority is deleted in time,"
            " while there is still room for an hour at the present rate."
        ),
        examples=[50_000_000_000],
    )
    every: Duration = Field(600.0, ge=1, description="How often it is looked at.")
