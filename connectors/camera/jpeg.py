"""Decoded pictures as small gray arrays and as JPEG."""

from collections.abc import Sequence
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from connectors.camera.motion import SIZE, Gray, Polygon

Image = NDArray[np.uint8]
"""Height × width × blue, green, red."""
SHOWN = 640
"""Pixels of the width of a picture that somebody watches."""
LARGEST = 1920
"""Pixels of the longer side of a picture that is passed on."""
QUALITIES = (85, 70, 50, 30)


def small_gray(frame: av.VideoFrame) -> Gray:
    """The brightness of a picture, `motion.SIZE` large; no colour is converted where it can be."""
    if frame.format.is_planar and not frame.format.is_rgb and frame.format.components[0].bits == 8:
        plane: Any = frame.planes[0]
        luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        found = cv2.resize(luma[:, : plane.width], SIZE)
    else:
        found = cv2.resize(frame.to_ndarray(format="gray"), SIZE)
    return np.asarray(found, np.uint8)


def small_picture(frame: av.VideoFrame, private: Sequence[Polygon] = ()) -> Image:
    """A picture at most `SHOWN` pixels wide, black in the `private` polygons."""
    width = min(frame.width, SHOWN)
    height = max(1, round(frame.height * width / frame.width))
    picture = np.asarray(frame.reformat(width, height, "bgr24").to_ndarray(), np.uint8)
    return covered(picture, private)


def encode_jpeg(
    frame: av.VideoFrame, most_bytes: int, private: Sequence[Polygon] = ()
) -> tuple[bytes, int, int] | None:
    """A picture as JPEG of at most `most_bytes`, and its size; None if no quality is so small.

    It is black in the `private` polygons.
    """
    whole = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    picture: Any = covered(whole, private)
    longer = max(frame.width, frame.height)
    if longer > LARGEST:
        factor = LARGEST / longer
        picture = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    for quality in QUALITIES:
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and len(data) <= most_bytes:
            return data.tobytes(), picture.shape[1], picture.shape[0]
    return None


def covered(picture: Image, private: Sequence[Polygon]) -> Image:
    """The picture itself, which is black in the polygons from now on."""
    height, width = picture.shape[:2]
    for polygon in private:
        corners = [[round(x * width), round(y * height)] for x, y in polygon]
        cv2.fillPoly(picture, [np.array(corners, np.int32)], (0, 0, 0))
    return picture
