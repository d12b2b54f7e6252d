"""Cameras: the source of pictures from streams."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from connectors.base import PictureSource
from connectors.camera.address import AddressError, check_scheme
from operators.component import Spec
from operators.model.units import Duration

Point = tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]]


class Record(Spec):
    """How much of each camera's record stream is at hand for clips."""

    SHORT: ClassVar[str] = "keep"

    keep: Duration = Field(
        60.0, ge=0, description="Newest part that is kept; 0 keeps none.", examples=["60s", "7d"]
    )
    bytes: int | None = Field(
        None,
        ge=1 << 20,
        description=(
            "Most bytes that it may take a camera; when left out 64 MiB, and for more than a minute"
            " a megabyte for each second."
        ),
    )

    @property
    def most_bytes(self) -> int:
        """The bound in bytes."""
        return self.bytes or max(64 << 20, round(self.keep) << 20)


class Rtsp(PictureSource):
    """Takes pictures from one camera per row of a table, whose other columns become labels.

    An address is `rtsp://`, `rtsps://`, `http://` or `https://` (MJPEG, or a single JPEG that is
    asked for again and again), a video file (over and over, at its own rate), a folder of pictures
    (with a `/` at its end), `usb:0`, or `simulate:walk`, `simulate:street`, `simulate:still`. What
    `{column}` and `${NAME}` put before its `@` is percent-encoded, so a password may hold any
    letter.

    Readings of each camera, told when they change and at every connection, each 1 or 0:
    `camera_online`, `camera_refused` (its password is wrong; tried every 5 minutes),
    `camera_frozen`, `camera_dark`, `camera_covered`, `camera_blurred`, `camera_moved`,
    `camera_unrecorded` (its `record_url` does not come, or the disk is full). A stream that cannot
    be used well is told as an occurrence `camera_advice`, with its remedy. `/health` of the flow,
    `vigie status` and the page show the present state of each camera, and why one sends no
    pictures.

    Delivery: live pictures only. What a camera showed while the flow was stopped is gone, and is
    counted where it is known.

    Back pressure: when the flow is slower than the cameras, the newest picture of each camera wins
    and the others are counted.
    """

    NAME: ClassVar[str] = "rtsp"
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        (
            'rtsp: {each: cameras, url: "rtsp://${RTSP_USER}:${RTSP_PASSWORD}@{host}:554/{path}",'
            " fps: 5}"
        ),
        """\
rtsp:
  each: cameras
  url: "rtsp://${RTSP_USER}:${RTSP_PASSWORD}@{host}/stream2"
  record_url: "rtsp://${RTSP_USER}:${RTSP_PASSWORD}@{host}/stream1"
  record: {keep: 60s}
  motion_masks: {yard: [[[0, 0], [1, 0], [1, 0.1], [0, 0.1]]]}
""",
    )

    each: str = Field(
        description="Table with one row per camera; its column `name` is the subject.",
        examples=["cameras"],
    )
    url: str = Field(
        description=(
            "Address of the stream that is looked at, best one of 640 to 1280 pixels; may hold"
            " `{column}` and `${NAME}`."
        )
    )
    record_url: str | None = Field(
        None,
        description=(
            "Address of the stream that is kept for clips, which is never decoded; that of `url`"
            " without."
        ),
    )
    fps: float = Field(5.0, gt=0, le=60, description="Pictures per second and camera.")
    transport: Literal["tcp", "udp"] = Field(
        "tcp", description="Transport of the stream; tcp loses no packets."
    )
    record: Record = Field(
        Record(), description="How much of the record stream is at hand for clips."
    )
    motion_masks: dict[str, list[list[Point]]] = Field(
        {},
        description=(
            "Polygons in which motion does not count, by camera, as fractions of the picture: a"
            " clock that is drawn in, a tree, a road."
        ),
    )

    @field_validator("url", "record_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value:
            try:
                check_scheme(value)
            except AddressError as error:
                raise ValueError(str(error)) from None
        return value

    @field_validator("motion_masks")
    @classmethod
    def _polygons(cls, masks: dict[str, list[list[Point]]]) -> dict[str, list[list[Point]]]:
        for camera, polygons in masks.items():
            if any(len(polygon) < 3 for polygon in polygons):
                raise ValueError(f"a mask of {camera} needs three points or more")
        return masks
