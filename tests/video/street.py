"""The street video, and what people saw on it (tests/data/video)."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import av

from infra.demo.cameras import STREET

DATA = Path(__file__).parents[1] / "data" / "video"
WIDTH, HEIGHT = 768, 576
PER_SECOND = 10
PICTURES = 795
CONFIDENCE = 0.4
"""What docs/models.md advises for the model of COCO."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


class Person(NamedTuple):
    """Somebody on a picture; `ignore`: whom it is no error to find, or not to find."""

    box: Box
    ignore: bool


class Found(NamedTuple):
    """What a detector found on a picture."""

    box: Box
    score: float


class Score(NamedTuple):
    """How many people were found, how many findings are nobody, and how many people were missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)


def people() -> dict[int, list[Person]]:
    """Who is on which picture, by hand."""
    found: dict[int, list[Person]] = defaultdict(list)
    for row in _rows("vtest_people.csv"):
        left, top = float(row["left"]), float(row["top"])
        box = (left, top, left + float(row["width"]), top + float(row["height"]))
        found[int(row["picture"])].append(Person(box, row["ignore"] == "1"))
    return dict(found)


def passes() -> list[float]:
    """When somebody comes into the part of the picture, in seconds of the video, by hand."""
    return [int(row["picture"]) / PER_SECOND for row in _rows("vtest_passes.csv")]


def pictures(numbers: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
    """The pictures of these numbers, each with its number."""
    wanted = set(numbers)
    with av.open(str(STREET)) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number in wanted:
                yield number, frame


def compare(persons: Sequence[Person], found: Sequence[Found], overlap: float = 0.5) -> Score:
    """Each finding, the surest first, takes the person that it covers best, if by `overlap`
    (intersection over union).
    """
    left = [person for person in persons if not person.ignore]
    ignored = [person for person in persons if person.ignore]
    right = wrong = 0
    for one in sorted(found, key=lambda each: -each.score):
        best = max(left, key=lambda person: covering(one.box, person.box), default=None)
        if best is not None and covering(one.box, best.box) >= overlap:
            left.remove(best)
            right += 1
        elif all(covering(one.box, person.box) < overlap for person in ignored):
            wrong += 1
    return Score(right, wrong, len(left))


def covering(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (_area(one) + _area(other) - both)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
