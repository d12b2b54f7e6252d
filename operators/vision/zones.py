"""The step `zones`: says which zone an object is in, and which line it crosses."""

from typing import ClassVar, Literal

from pydantic import Field

from operators.component import Logic, Operator, StepContext
from operators.model.units import Duration, Some
from operators.vision.zones_logic import Rules, ZonesLogic


class Zones(Operator):
    """Says when a tracked object enters and leaves a zone of its camera, and crosses a line.

    It passes nothing else: of every stay there is one detection with phase `entered` and one with
    `left`, each with the zone as `in_zone`, and with `loiter` one with `loitering` between them. An
    object is where its bottom centre is, the point on the ground. It enters or leaves once that is
    seen on `inertia` pictures one after the other; it leaves, too, when its track ends.

    An object that crosses a line gives one detection with phase `crossed`, the `line` and the
    `direction`: the side to which it goes, `left` or `right`, as seen by one who looks along the
    line. What goes back within a second has not crossed.

    Where the cameras come from a topic, as those of the page do, zones and lines that people draw
    there count from the next picture on; one that is drawn stands for one of the definition that
    has its name. Who is in a zone that is taken away leaves it.

    A zone with `hours` counts in those of the day: outside, nothing enters it, and who is in it
    leaves with the next picture of him. They may begin or end with `sunrise` or `sunset` at the
    site's `location`. One with `modes` counts likewise while the site is in one of them: `mode`
    names the source that says so, a topic with `table: true` such as `vigie.mode`, which the api
    writes. Until that has said anything, such a zone counts. Who stands still as hours or a mode
    begin enters then, for no new picture of him comes.

    It needs the step `track` before it; what has no track is counted as `untracked`.
    """

    NAME: ClassVar[str] = "zones"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "zones: {stay: 1s}",
        "zones: {only: [loading], anchor: center}",
        "zones: {only: loading, loiter: 60s}",
    )

    stay: Duration = Field(
        0.0, ge=0, description="How long it must be inside before it has entered.", examples=["1s"]
    )
    loiter: Duration | None = Field(
        None,
        gt=0,
        description="How long it must be inside, from its first picture there, until it loiters.",
        examples=["60s"],
    )
    inertia: int = Field(
        3,
        ge=1,
        le=100,
        description="On how many pictures it must be seen inside to be in, and outside to be out.",
    )
    only: Some | None = Field(
        None,
        description="The zones and lines meant; all of the camera when left out.",
        examples=["loading"],
    )
    anchor: Literal["bottom_center", "center", "overlap"] = Field(
        "bottom_center",
        description=(
            "The point of the object that must be inside, or any overlap. Lines are crossed by its"
            " center for `center`, else by its bottom center."
        ),
    )

    mode: str | None = Field(
        None,
        min_length=1,
        description="The source that says the site's mode, for zones with `modes`.",
        examples=["site_mode"],
    )

    def side_input(self) -> str | None:
        """The source of the mode."""
        return self.mode

    def logic(self, context: StepContext) -> Logic:
        """Make the step's logic for one shard."""
        rules = Rules(self.stay, self.loiter, self.inertia, self.anchor, self.mode)
        wanted = [self.only] if isinstance(self.only, str) else self.only
        return ZonesLogic(rules, context, wanted)
