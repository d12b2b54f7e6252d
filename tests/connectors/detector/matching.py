"""Found objects beside labels: what is right, wrong and missing."""

from collections.abc import Sequence
from typing import NamedTuple

from connectors.detector.worker_messages import Box
from infra.demo.street_scenes import Label

MATCH = 0.5


class Score(NamedTuple):
    right: int
    wrong: int
    missing: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missing)

    def __add__(self, other: "Score") -> "Score":  # type: ignore[override]
        return Score(*(a + b for a, b in zip(self, other, strict=True)))


def compare(found: Sequence[Box], labels: Sequence[Label], width: int, height: int) -> Score:
    """Each object, best first, takes the label of its class that it overlaps most."""
    left = list(labels)
    right = wrong = 0
    for box in sorted(found, key=lambda box: -box.score):
        corners = (
            box.left * width,
            box.top * height,
            (box.left + box.width) * width,
            (box.top + box.height) * height,
        )
        best = max(
            (label for label in left if label.name == box.class_),
            key=lambda label: overlap(corners, label.box),
            default=None,
        )
        if best is not None and overlap(corners, best.box) >= MATCH:
            left.remove(best)
            right += 1
        else:
            wrong += 1
    return Score(right, wrong, len(left))


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes by their corners."""
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    tall = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * tall / max(1e-9, sum(areas) - wide * tall)
