"""Cameras: the source of pictures from RTSP streams."""

from typing import ClassVar, Literal

from pydantic import Field

from connectors.base import PictureSource


class Rtsp(PictureSource):
    """Takes pictures from one RTSP camera per row of a table, whose other columns become labels.

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
    )

    each: str = Field(
        description="Table with one row per camera; its column `name` is the subject.",
        examples=["cameras"],
    )
    url: str = Field(description="Address of a camera's stream; may hold `{column}` and `${NAME}`.")
    fps: float = Field(5.0, gt=0, le=60, description="Pictures per second and camera.")
    transport: Literal["tcp", "udp"] = Field(
        "tcp", description="Transport of the stream; tcp loses no packets."
    )
