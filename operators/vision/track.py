"""The step `track`: follows objects from picture to picture."""

from typing import ClassVar

from pydantic import Field

from operators.component import Logic, Operator, StepContext
from operators.model.units import Duration
from operators.vision.track_logic import TrackLogic


class Track(Operator):
    """Follows objects from picture to picture, in the phases `new`, `update` and `end`.

    Where an object will be on the next picture is foretold from its motion; what is found there,
    of the same class, is the same object, all objects of a picture being weighed against each other
    (ByteTrack). Each detection gets the `track` that it belongs to. An object that is not found
    for `lost_after` ends: its last detection comes once more, with phase `end` and the time at
    which it was given up. What counts is time in which pictures were looked at: a gap between two
    of them counts as half of `lost_after` at most, and what was on a camera's last picture stays
    while the camera is gone, for `gone_after`. Pictures on which nothing was found are known where
    `detect` is the step before this one; elsewhere all time counts. Where people stop or remove a
    camera, all its objects end.

    What has not moved for ten seconds is `still`: one last `update` says so, and no other comes
    until it moves. Hidden behind something else, it is waited for as long as that stands there.

    Boxes that are not finite or have no area are counted as `no_area`. Pictures older than the
    camera's newest go to `NAME.late`; the same picture again is counted as `repeated`. Everything
    that is no detection passes unchanged.
    """

    NAME: ClassVar[str] = "track"
    STATEFUL: ClassVar[bool] = True
    SHORT: ClassVar[str | None] = "lost_after"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "track: 3s",
        "track: {lost_after: 5s}",
        "track: {lost_after: 3s, sure: 0.5}",
    )

    lost_after: Duration = Field(
        3.0, gt=0, description="How long an object may be out of sight.", examples=["3s"]
    )
    gone_after: Duration = Field(
        300.0,
        gt=0,
        description="How long objects are kept while their camera shows nothing.",
        examples=["5min"],
    )
    sure: float = Field(
        0.0,
        ge=0,
        le=1,
        description=(
            "From which score on a detection may begin an object; a weaker one only continues one"
            " (give `detect` a lower `confidence`)."
        ),
        examples=[0.5],
    )

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        return TrackLogic(self.lost_after, self.gone_after, self.sure, context)
