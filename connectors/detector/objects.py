"""What a model finds on a picture, and the filter that all backends share."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""A picture: (height, width, 3), blue first, as OpenCV decodes it."""
Floats: TypeAlias = npt.NDArray[np.floating[Any]]


class Objects(NamedTuple):
    """The objects of one picture, best first.

    `boxes` is (n, 4): left, top, right, bottom in pixels of the picture; `scores` (n,); `classes`
    (n,) holds numbers of classes.
    """

    boxes: Floats
    scores: Floats
    classes: npt.NDArray[np.int64]


class Limits(NamedTuple):
    """What counts: scores from `floor` on, of the classes numbered `classes` (None: all).

    Of two boxes of one class that overlap by more than `overlap` (intersection over union) the
    better one stays; at most `most` objects a picture.
    """

    floor: float = 0.1
    classes: Sequence[int] | None = None
    overlap: float = 0.5
    most: int = 300
