"""Labelled people: what a detector might see of them, and how well they were followed."""

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from operators.events import Detection, Event, Frame
from operators.vision.assignment import assign
from operators.vision.boxes import Box, overlap
from operators.vision.track import Track
from tests.operators.shard import Shard

DATA = Path(__file__).parents[2] / "data" / "mot"
WIDTH, HEIGHT, RATE = 640, 480, 25
SAME = 0.5
"""The overlap from which on a box is that of a person (MOTChallenge)."""


class Case(NamedTuple):
    """One row of the comparison: a scene, every `step`th picture, boxes missed and jittered."""

    scene: str
    step: int
    missed: float
    jitter: float

    def __str__(self) -> str:
        kind = f"{self.missed:.0%} missed, {self.jitter:.0%} jitter" if self.missed else "perfect"
        return f"{self.scene}, {RATE // self.step} pictures/s, {kind}"


CASES = [
    Case(scene, step, missed, jitter)
    for scene in ("TUD-Campus", "TUD-Stadtmitte")
    for step in (1, 5)
    for missed, jitter in ((0.0, 0.0), (0.1, 0.05), (0.3, 0.05))
]


class Box_(NamedTuple):
    """A box on a picture, of a person or of a track."""

    picture: int
    who: str
    box: Box


def people(case: Case) -> list[Box_]:
    """The true boxes, in fractions of the picture."""
    with (DATA / f"{case.scene}.txt").open() as file:
        rows = [(int(row[0]), row[1], *map(float, row[2:6])) for row in csv.reader(file)]
    rows = sorted((row for row in rows if (row[0] - 1) % case.step == 0), key=lambda row: row[::2])
    return [
        Box_(picture, who, (left / WIDTH, top / HEIGHT, width / WIDTH, height / HEIGHT))
        for picture, who, left, top, width, height in rows
    ]


def found(case: Case, seed: int = 7) -> dict[int, list[Box]]:
    """What a detector that misses and shakes some finds on each picture."""
    chance = random.Random(seed)
    pictures: dict[int, list[Box]] = {}
    for picture, _, (left, top, width, height) in people(case):
        pictures.setdefault(picture, [])
        if chance.random() >= case.missed:
            right = chance.gauss(0, case.jitter) * width
            down = chance.gauss(0, case.jitter) * height
            pictures[picture].append((left + right, top + down, width, height))
    return pictures


def followed(pictures: dict[int, list[Box]], restarts: bool = False) -> list[Box_]:
    """The boxes with the tracks that `track` gives them."""
    shard = Shard(Track(lost_after="2s"), restarts=restarts)
    made: list[Event] = []
    for picture, boxes in pictures.items():
        made += shard.feed(*_seen(picture, boxes))
    return [
        Box_(int(str(one.frame)), str(one.track), one.box)
        for one in made
        if isinstance(one, Detection) and one.phase in ("new", "update")
    ]


def _seen(picture: int, boxes: list[Box]) -> Iterator[Event]:
    for number, box in enumerate(boxes):
        yield Detection(
            id=f"{picture}/{number}", time=picture / RATE, subject="street", class_="person",
            score=0.9, box=box, frame=str(picture),
        )  # fmt: skip
    yield Frame(
        id=str(picture), time=picture / RATE, subject="street", width=WIDTH, height=HEIGHT, seen=[]
    )


class Score(NamedTuple):
    """IDF1 (Ristani et al. 2016), 0 to 1, and identity switches (Bernardin 2008)."""

    idf1: float
    switches: int


def score(truth: list[Box_], tracks: list[Box_]) -> Score:
    """How well tracks follow people."""
    return Score(_idf1(truth, tracks), _switches(truth, tracks))


def _idf1(truth: list[Box_], tracks: list[Box_]) -> float:
    shared: dict[tuple[str, str], int] = defaultdict(int)
    for real, made in _by_picture(truth, tracks):
        for person in real:
            for track in made:
                shared[person.who, track.who] += overlap(person.box, track.box) >= SAME
    persons, names = _who(truth), _who(tracks)
    costs = [[-float(shared[person, name]) for name in names] for person in persons]
    true = -sum(costs[row][column] for row, column in assign(costs, 1.0))
    return 2 * true / (len(truth) + len(tracks))


def _switches(truth: list[Box_], tracks: list[Box_]) -> int:
    """Pairs are kept from picture to picture while they fit; a person's next track is a switch."""
    last: dict[str, str] = {}
    switches = 0
    for real, made in _by_picture(truth, tracks):
        pairs: dict[str, str] = {}
        boxes = {track.who: track.box for track in made}
        for person in real:
            name = last.get(person.who, "")
            if name in boxes and overlap(person.box, boxes[name]) >= SAME:
                pairs[person.who] = name
        left = [person for person in real if person.who not in pairs]
        free = [track for track in made if track.who not in pairs.values()]
        costs = [[1 - overlap(person.box, track.box) for track in free] for person in left]
        far = 2 * len(tracks) + 2.0
        costs = [[cost if cost <= 1 - SAME else far for cost in row] for row in costs]
        pairs |= {left[row].who: free[column].who for row, column in assign(costs, far - 1)}
        switches += sum(name != last.get(person, name) for person, name in pairs.items())
        last |= pairs
    return switches


def _by_picture(truth: list[Box_], tracks: list[Box_]) -> Iterator[tuple[list[Box_], list[Box_]]]:
    pictures: dict[int, tuple[list[Box_], list[Box_]]] = {}
    for which, boxes in enumerate((truth, tracks)):
        for one in boxes:
            pictures.setdefault(one.picture, ([], []))[which].append(one)
    for picture in sorted(pictures):
        yield pictures[picture]


def _who(boxes: Iterable[Box_]) -> list[str]:
    return sorted({one.who for one in boxes})
