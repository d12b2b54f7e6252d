"""Which tracked object is which box on a picture."""

from collections.abc import Iterable, Sequence

import lap
import numpy as np

from operators.vision.boxes import Box, alike, overlap

Pairs = dict[int, int]
"""The index of an object by that of the box that it is."""

FARTHEST = 0.97
"""What a pair may cost, 0 for the same box, 1 for boxes that share nothing."""
WEAK = 0.5
"""The same for boxes of which the detector is not sure (Zhang et al. 2022, "ByteTrack")."""
NEAR = 0.25
"""How alike what shares nothing must be to be a pair nevertheless (`alike`, 0 to 1)."""
ABSENCE = 0.05
"""What a second out of sight adds: of two that fit, the one that was seen later is likelier."""


def assign(costs: Sequence[Sequence[float]], limit: float) -> list[tuple[int, int]]:
    """Return pairs (row, column) that together cost least, each below `limit`.

    A row or a column stays alone where a pair would cost more. After Jonker and Volgenant 1987.
    """
    if not costs or not costs[0]:
        return []
    _, columns, _ = lap.lapjv(np.array(costs, dtype=float), extend_cost=True, cost_limit=limit)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0]


def pair(
    foretold: Sequence[Box], unseen: Sequence[float], boxes: Sequence[Box], sure: Sequence[bool]
) -> Pairs:
    """Return which of the objects each box is; both of one class, on one picture.

    `foretold` is where the objects should be, `unseen` the seconds since they were seen. Boxes of
    which the detector is `sure` choose first, the others among the objects that are left. An object
    and a box that share nothing are a pair if they are near, and nothing else is.
    """
    costs = [
        [_cost(there, box) + ABSENCE * seconds for box in boxes]
        for there, seconds in zip(foretold, unseen, strict=True)
    ]
    pairs: Pairs = {}
    for strong, limit in ((True, FARTHEST), (False, WEAK)):
        rows = _left(len(foretold), pairs.values())
        columns = [one for one in _left(len(boxes), pairs) if sure[one] is strong]
        chosen = assign([[costs[row][column] for column in columns] for row in rows], limit)
        pairs.update((columns[column], rows[row]) for row, column in chosen)
    if len(pairs) < min(len(foretold), len(boxes)):
        _pair_alone(foretold, boxes, sure, pairs)
    return pairs


def _cost(one: Box, other: Box) -> float:
    """Return 1 less the overlap, by the square of how well the heights agree.

    The height hardly changes where people pass each other (Yang et al. 2024, "Hybrid-SORT").
    """
    shared = overlap(one, other)
    if not shared:
        return 1.0
    return 1.0 - shared * (min(one[3], other[3]) / max(one[3], other[3])) ** 2


def _left(count: int, taken: Iterable[int]) -> list[int]:
    gone = set(taken)
    return [one for one in range(count) if one not in gone]


def _pair_alone(
    foretold: Sequence[Box], boxes: Sequence[Box], sure: Sequence[bool], pairs: Pairs
) -> None:
    objects = _left(len(foretold), pairs.values())
    for column in _left(len(boxes), pairs):
        near = [row for row, there in enumerate(foretold) if alike(there, boxes[column])]
        if len(near) != 1 or near[0] not in objects or not sure[column]:
            continue
        row = near[0]
        is_alone = sum(alike(foretold[row], box) > 0 for box in boxes) == 1
        if is_alone and alike(foretold[row], boxes[column]) >= NEAR:
            pairs[column] = row
