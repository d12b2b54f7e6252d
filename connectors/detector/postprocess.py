"""Objects from the numbers that a model answers with."""

from collections.abc import Sequence

import cv2
import numpy as np

from connectors.detector.letterbox import Placement
from connectors.detector.model import RAW_BOX, Head
from connectors.detector.objects import Floats, Limits, Objects

CANDIDATES = 30_000
"""So many of the best boxes of a picture are looked at, as ultralytics does."""


def objects_of(
    output: Floats, placements: Sequence[Placement], head: Head, limits: Limits
) -> list[Objects]:
    """The objects of each picture of a batch; what is not finite or has no area is none."""
    read = _raw if head == "raw" else _end_to_end
    found = []
    for answer, placement in zip(output, placements, strict=False):
        boxes, scores, classes = read(answer, limits)
        found.append(_on_picture(Objects(boxes, scores, classes), placement, limits))
    return found


def _raw(answer: Floats, limits: Limits) -> Objects:
    """A head of (4 + classes, anchors): each anchor is its best class."""
    scores = answer[RAW_BOX:]
    if limits.classes is None:
        best = scores.argmax(axis=0)
        top = scores.max(axis=0)
    else:
        wanted = np.asarray(limits.classes, np.int64)
        chosen = scores[wanted]
        best = wanted[chosen.argmax(axis=0)]
        top = chosen.max(axis=0)
    keep = np.flatnonzero(top >= limits.floor)
    if len(keep) > CANDIDATES:
        keep = keep[np.argpartition(top[keep], -CANDIDATES)[-CANDIDATES:]]
    centre, size = answer[:2, keep].T, answer[2:RAW_BOX, keep].T
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    usable = _usable(boxes)
    objects = Objects(boxes[usable], top[keep][usable], best[keep][usable].astype(np.int64))
    return taken(objects, suppressed(objects, limits.overlap, limits.floor))


def _end_to_end(answer: Floats, limits: Limits) -> Objects:
    """A head of (found, 6) without overlaps."""
    scores, classes = answer[:, 4], answer[:, 5].astype(np.int64)
    keep = (scores >= limits.floor) & _usable(answer[:, :4])
    if limits.classes is not None:
        keep &= np.isin(classes, np.asarray(limits.classes))
    objects = Objects(answer[keep, :4], scores[keep], classes[keep])
    return taken(objects, np.argsort(-objects.scores, kind="stable"))


def suppressed(
    objects: Objects, overlap: float, floor: float
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Which objects stay after suppression class by class, best first."""
    if not len(objects.scores):
        return np.empty(0, np.int64)
    corners, sides = objects.boxes[:, :2], objects.boxes[:, 2:] - objects.boxes[:, :2]
    rectangles = np.concatenate([corners, sides], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(
        rectangles.tolist(), objects.scores.tolist(), objects.classes.tolist(), floor, overlap
    )
    indices = np.asarray(kept, np.int64).ravel()
    return indices[np.argsort(-objects.scores[indices], kind="stable")]


def _on_picture(objects: Objects, placement: Placement, limits: Limits) -> Objects:
    boxes = placement.back(objects.boxes)
    usable = np.flatnonzero(_usable(boxes))[: limits.most]
    return taken(objects._replace(boxes=boxes), usable)


def taken(objects: Objects, which: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Objects:
    """The objects of these numbers, in this order."""
    return Objects(objects.boxes[which], objects.scores[which], objects.classes[which])


def _usable(boxes: Floats) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    finite = np.isfinite(boxes).all(axis=1)
    return np.asarray(finite & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
