"""What a dashboard is made of, and what of it an account may know."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.permissions.visibility import Visibility

MOST_PANELS = 60
Word = Annotated[str, Meta(min_length=1, max_length=200)]


class Panel(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, kw_only=True):
    """One part of a dashboard, one to three columns wide."""

    width: Annotated[int, Meta(ge=1, le=3)] = 1


class CardPanel(Panel, tag="card"):
    """The last readings of a subject."""

    subject: Word


class ChartPanel(Panel, tag="chart"):
    """The history of a signal over the last `range` seconds."""

    subject: Word
    metric: Word
    range: Literal[3600, 86400, 604800] = 86400


class CameraPanel(Panel, tag="camera"):
    """The live picture of a camera."""

    camera: Word


class AlarmsPanel(Panel, tag="alarms"):
    """The alarms that stand, from a `priority` on; those of one `area` where it is not empty."""

    area: Annotated[str, Meta(max_length=200)] = ""
    priority: Literal["low", "medium", "high", "critical"] = "low"


AnyPanel = CardPanel | ChartPanel | CameraPanel | AlarmsPanel
Panels = Annotated[list[AnyPanel], Meta(max_length=MOST_PANELS)]


def is_seen(panel: AnyPanel, visibility: Visibility) -> bool:
    """Whether an account may know of a panel: not of one that is about a hidden camera."""
    if isinstance(panel, AlarmsPanel):
        return True
    name = panel.camera if isinstance(panel, CameraPanel) else panel.subject
    return visibility.allows(None, name)


def merged(
    before: Sequence[AnyPanel], wanted: Sequence[AnyPanel], visibility: Visibility
) -> list[AnyPanel]:
    """The panels that somebody wants, and those of before that are hidden, in their places."""
    panels = list(wanted)
    for place, panel in enumerate(before):
        if not is_seen(panel, visibility):
            panels.insert(place, panel)
    return panels
