"""The present state of a camera: as readings of its own, and in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.camera.address import masked_address
from operators.events import Frame, Reading

ONLINE = "camera_online"
UNRECORDED = "camera_unrecorded"
UNWATCHED = "camera_unwatched"
"""For how many seconds nobody looked, told afterwards; 0 once there is somebody again."""
STATES = {
    ONLINE: "sends pictures",
    "camera_refused": "refuses user and password",
    "camera_frozen": "its picture is frozen",
    "camera_dark": "its picture is dark",
    "camera_covered": "it is covered",
    "camera_blurred": "it is out of focus",
    "camera_moved": "it was moved",
    UNRECORDED: "nothing is recorded of it",
}
"""The readings that a camera gives of itself, and what each says of it while it is on."""


def state_reading(
    camera: str,
    metric: str,
    on: bool,
    at: float,
    why: str | None = None,
    labels: Mapping[str, str] | None = None,
) -> Reading:
    """A camera's word of itself at a time; `why` is shown where it is a bad one."""
    at = round(at, 3)
    return Reading(
        id=f"{camera}/{metric}/{round(at * 1000)}",
        time=at,
        subject=camera,
        metric=metric,
        value=float(on),
        text=masked_address(why) if why and on != (metric == ONLINE) else None,
        labels=dict(labels or {}),
    )


def unwatched_reading(
    camera: str,
    seconds: float,
    until: float,
    why: str = "",
    labels: Mapping[str, str] | None = None,
) -> Reading:
    """For how long nobody looked at a camera's pictures, until when; 0 seconds say that it is over.

    The text says from when until when, in UTC, and why.
    """
    until, seconds = round(until, 3), round(seconds, 3)
    said = f"nobody looked from {_utc(until - seconds)} to {_utc(until)}: {masked_address(why)}"
    return Reading(
        id=f"{camera}/{UNWATCHED}/{round(until * 1000)}/{round(seconds * 1000)}",
        time=until,
        subject=camera,
        metric=UNWATCHED,
        value=seconds,
        unit="s",
        text=said if seconds else None,
        labels=dict(labels or {}),
    )


def last_frame(camera: str, at: float, labels: Mapping[str, str] | None = None) -> Frame:
    """Says that nobody is to look at a camera any more: what was seen there ends."""
    at = round(at, 3)
    return Frame(
        id=f"{camera}/over/{round(at * 1000)}",
        time=at,
        subject=camera,
        width=1,
        height=1,
        seen=[],
        over=True,
        labels=dict(labels or {}),
    )


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def trouble_of(state: Mapping[str, Any]) -> str | None:
    """What is wrong with a camera, from its `online`, `why` and `troubles`; None if nothing is."""
    if not state.get("online"):
        return str(state.get("why") or "no picture yet")
    troubles = state.get("troubles", {})
    return "; ".join(text or STATES.get(one, one) for one, text in troubles.items()) or None
