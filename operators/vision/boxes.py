"""How much boxes have in common. A box is (left, top, width, height) in fractions of a picture."""

import math

Box = tuple[float, float, float, float]


def is_box(box: Box) -> bool:
    """Whether a box is finite and has an area."""
    return all(map(math.isfinite, box)) and box[2] > 0 and box[3] > 0 and box[2] * box[3] > 0


def shared_area(one: Box, other: Box) -> float:
    """Return the area that is in both boxes."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def overlap(one: Box, other: Box) -> float:
    """Return intersection over union, 0 to 1; 0 for boxes without area."""
    shared = shared_area(one, other)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared) if shared else 0.0


def alike(one: Box, other: Box) -> float:
    """Return how likely two boxes are one object, 0 to 2.

    1 to 2 by their overlap (intersection over union), 0 to 1 by the distance of their centres in
    sizes of the object; 0 for boxes further apart than that.
    """
    if shared := overlap(one, other):
        return 1.0 + shared
    moved = math.hypot(
        one[0] + one[2] / 2 - other[0] - other[2] / 2, one[1] + one[3] / 2 - other[1] - other[3] / 2
    )
    size = (math.hypot(one[2], one[3]) + math.hypot(other[2], other[3])) / 2
    return max(0.0, 1.0 - moved / size) if size > 0 else 0.0
