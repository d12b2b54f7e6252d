"""What the capture of one camera needs, made from a row of the table and the source's settings."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.camera.address import AddressError, fill_address
from connectors.camera.components import Rtsp
from connectors.camera.motion import Polygon
from connectors.camera.rate import is_fps
from connectors.config.variables import CAMERA_VARIABLES
from operators.vision.drawn_places import places_of

NOT_LABELS = {
    "id", "name", "url", "status", "running", "created", "changed", "changed_by", "camera", "fps",
    "record_url", "deleted", "zones", "lines",
}  # fmt: skip
"""Columns that say how to take pictures, or who changed the row."""
_COLUMN = re.compile(r"(?<!\$)\{(\w+)\}")


@dataclass(frozen=True)
class Gate:
    """When pictures pass: `min_area` is a fraction of the picture, `hold` seconds."""

    min_area: float
    hold: float


@dataclass(frozen=True)
class RingLimits:
    """How much of the record stream is kept on disk, and where."""

    folder: Path
    seconds: float
    most_bytes: int


@dataclass(frozen=True)
class CameraSettings:
    """One camera. Two that are equal need no new connection.

    `record_address` is None if the packets to keep are those of the pictures; `gate` is None if
    every picture passes. What lies in a polygon of `private` is black on every picture and clip.
    """

    name: str
    address: str
    record_address: str | None = None
    fps: float = 5.0
    transport: str = "tcp"
    labels: Mapping[str, str] = field(default_factory=dict)
    gate: Gate | None = None
    masks: Sequence[Polygon] = ()
    ring: RingLimits | None = None
    private: Sequence[Polygon] = ()


def name_of(row: Mapping[str, Any]) -> str:
    """The name of a row's camera; an empty text if it has none."""
    return str(row.get("name") or row.get("id") or "")


def is_running(row: Mapping[str, Any]) -> bool:
    """Whether people want the camera to run; they do unless the row says otherwise."""
    return str(row.get("running", True)).lower() not in ("false", "0", "no", "off")


def camera_settings(
    source: Rtsp,
    row: Mapping[str, Any],
    gate: Gate | None,
    ring: Path | None,
    private: Sequence[Polygon] = (),
    variables: Collection[str] = CAMERA_VARIABLES,
) -> CameraSettings:
    """The settings of a row's camera; what its row draws is private beside `private`.

    An address that the row holds as a whole may use `variables`.

    Raises `AddressError`.
    """
    name = name_of(row)
    address = fill_address(source.url, row, variables)
    record = fill_address(source.record_url, row, variables) if source.record_url else address
    limits = None
    if ring is not None and source.record.keep > 0:
        limits = RingLimits(ring, source.record.keep, source.record.most_bytes)
    return CameraSettings(
        name=name,
        address=address,
        record_address=record if record != address and limits is not None else None,
        fps=fps_of(source, row),
        transport=source.transport,
        labels=labels_of(source, row),
        gate=gate,
        masks=source.motion_masks.get(name, []),
        ring=limits,
        private=[*private, *_private(name, row)],
    )


def _private(name: str, row: Mapping[str, Any]) -> Sequence[Polygon]:
    try:
        return places_of(row).private()
    except ValueError as error:
        raise AddressError(f"what is drawn on pictures of {name} cannot be used: {error}") from None


def labels_of(source: Rtsp, row: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a row's camera: the columns that its addresses do not use."""
    used = {*NOT_LABELS, *_COLUMN.findall(source.url), *_COLUMN.findall(source.record_url or "")}
    return {
        str(column): str(value)
        for column, value in row.items()
        if column not in used and value not in (None, "")
    }


def fps_of(source: Rtsp, row: Mapping[str, Any]) -> float:
    """Pictures a second of a row's camera: its own, or those of the source."""
    return float(row["fps"]) if is_fps(row.get("fps")) else source.fps
