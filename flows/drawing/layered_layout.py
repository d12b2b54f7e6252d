"""Layered drawing: boxes from left to right, arrows point right and rarely cross (Sugiyama)."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Key = str
Size = tuple[float, float]
Point = tuple[float, float]

SWEEPS = 8
DUMMY: Size = (0.0, 12.0)


@dataclass
class Placed:
    """Top left corners of the boxes, the points each arrow passes, and the size of it all."""

    boxes: dict[Key, Point] = field(default_factory=dict)
    routes: list[list[Point]] = field(default_factory=list)
    size: Size = (0.0, 0.0)


def layered(
    sizes: Mapping[Key, Size],
    edges: Sequence[tuple[Key, Key]],
    gap: Size = (60.0, 24.0),
    last: Iterable[Key] = (),
) -> Placed:
    """Place boxes of the given sizes; those in `last` stand in the last layer.

    Circles are drawn with an arrow back.
    """
    forward = _without_circles(list(sizes), edges)
    layer = _layers(list(sizes), forward, set(last))
    rows, chains = _with_dummies(sizes, forward, layer)
    links = [link for chain in chains for link in itertools.pairwise(chain)]
    rows = _untangled(rows, links)
    all_sizes = {key: sizes.get(key, DUMMY) for row in rows for key in row}
    lefts, width = _columns(rows, all_sizes, gap[0])
    tops = _heights(rows, all_sizes, links, gap[1])
    placed = Placed()
    for index, row in enumerate(rows):
        for key in row:
            if key in sizes:
                placed.boxes[key] = (lefts[index], tops[key])
    middle = {key: tops[key] + all_sizes[key][1] / 2 for key in tops}
    bottom = max((tops[key] + all_sizes[key][1] for key in tops), default=0.0)
    by_edge = dict(zip(forward, chains, strict=True))
    for start, end in edges:
        placed.routes.append(
            _route((start, end), by_edge, placed, sizes, middle, lefts, rows, bottom)
        )
    placed.size = (width, bottom + (20 if len(forward) < len(edges) else 0))
    return placed


def _without_circles(keys: list[Key], edges: Sequence[tuple[Key, Key]]) -> list[tuple[Key, Key]]:
    following: dict[Key, list[Key]] = {key: [] for key in keys}
    kept: dict[tuple[Key, Key], None] = {}
    for start, end in edges:
        if not _reaches(following, end, start):
            following[start].append(end)
            kept[start, end] = None
    return list(kept)


def _reaches(following: Mapping[Key, list[Key]], start: Key, end: Key) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        one = waiting.pop()
        if one == end:
            return True
        fresh = [key for key in following[one] if key not in seen]
        seen.update(fresh)
        waiting += fresh
    return False


def _layers(keys: list[Key], edges: list[tuple[Key, Key]], last: set[Key]) -> dict[Key, int]:
    layer = dict.fromkeys(keys, 0)
    for _ in keys:
        changed = False
        for start, end in edges:
            if layer[end] <= layer[start]:
                layer[end], changed = layer[start] + 1, True
        if not changed:
            break
    end_layer = max(layer.values(), default=0)
    leaving = {start for start, _ in edges}
    return {
        key: end_layer if key in last and key not in leaving else number
        for key, number in layer.items()
    }


def _with_dummies(
    sizes: Mapping[Key, Size], edges: list[tuple[Key, Key]], layer: dict[Key, int]
) -> tuple[list[list[Key]], list[list[Key]]]:
    rows: list[list[Key]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for key in sizes:
        rows[layer[key]].append(key)
    chains = []
    for number, (start, end) in enumerate(edges):
        between: list[Key] = [
            f"bend/{number}/{index}" for index in range(layer[start] + 1, layer[end])
        ]
        for index, key in enumerate(between, layer[start] + 1):
            rows[index].append(key)
        chains.append([start, *between, end])
    return rows, chains


def _untangled(rows: list[list[Key]], links: list[tuple[Key, Key]]) -> list[list[Key]]:
    before: dict[Key, list[Key]] = {}
    after: dict[Key, list[Key]] = {}
    for start, end in links:
        after.setdefault(start, []).append(end)
        before.setdefault(end, []).append(start)
    best, fewest = [list(row) for row in rows], _crossings(rows, after)
    rows = [list(row) for row in rows]
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = before if down else after
        for index in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            other = rows[index - 1 if down else index + 1]
            place = {key: number for number, key in enumerate(other)}
            row = rows[index]
            own = {key: number for number, key in enumerate(row)}

            def weight(
                key: Key,
                near: dict[Key, list[Key]] = neighbours,
                place: dict[Key, int] = place,
                own: dict[Key, int] = own,
            ) -> tuple[float, int]:
                found = [place[one] for one in near.get(key, ()) if one in place]
                return (sum(found) / len(found) if found else own[key], own[key])

            rows[index] = sorted(row, key=weight)
        crossings = _crossings(rows, after)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _crossings(rows: list[list[Key]], after: Mapping[Key, list[Key]]) -> int:
    total = 0
    for row, following in itertools.pairwise(rows):
        place = {key: number for number, key in enumerate(following)}
        ends = [
            place[end]
            for key in row
            for end in sorted(after.get(key, ()), key=lambda one: place.get(one, 0))
            if end in place
        ]
        total += sum(1 for i, one in enumerate(ends) for other in ends[i + 1 :] if other < one)
    return total


def _columns(
    rows: list[list[Key]], sizes: Mapping[Key, Size], gap: float
) -> tuple[list[float], float]:
    lefts, left = [], 0.0
    for row in rows:
        lefts.append(left)
        left += max((sizes[key][0] for key in row), default=0.0) + gap
    return lefts, max(0.0, left - gap)


def _heights(
    rows: list[list[Key]], sizes: Mapping[Key, Size], links: list[tuple[Key, Key]], gap: float
) -> dict[Key, float]:
    """Each box as near as may be to the middle of its neighbours, in order and without overlap."""
    near: dict[Key, list[Key]] = {}
    for start, end in links:
        near.setdefault(start, []).append(end)
        near.setdefault(end, []).append(start)
    middle: dict[Key, float] = {}
    for row in rows:
        top = 0.0
        for key in row:
            middle[key] = top + sizes[key][1] / 2
            top += sizes[key][1] + gap
    for _ in range(SWEEPS * 2):
        for row in rows:
            wanted = [
                (
                    sum(middle[one] for one in near[key]) / len(near[key])
                    if near.get(key)
                    else middle[key]
                )
                for key in row
            ]
            for key, value in zip(
                row, _spread(wanted, [sizes[key][1] for key in row], gap), strict=True
            ):
                middle[key] = value
    tops = {key: middle[key] - sizes[key][1] / 2 for key in middle}
    least = min(tops.values(), default=0.0)
    return {key: top - least for key, top in tops.items()}


def _spread(wanted: list[float], heights: list[float], gap: float) -> list[float]:
    """The middles nearest to the wanted ones (least squares) that keep their order and distance."""
    offsets, offset = [], 0.0
    for index, height in enumerate(heights):
        offset += (heights[index - 1] + height) / 2 + gap if index else 0.0
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []
    for value, shift in zip(wanted, offsets, strict=True):
        mean, count = value - shift, 1
        while blocks and blocks[-1][0] > mean:
            other, members = blocks.pop()
            mean, count = (mean * count + other * members) / (count + members), count + members
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    return [value + shift for value, shift in zip(flat, offsets, strict=True)]


def _route(
    edge: tuple[Key, Key], by_edge: Mapping[tuple[Key, Key], list[Key]], placed: Placed,
    sizes: Mapping[Key, Size],
    middle: Mapping[Key, float], lefts: list[float], rows: list[list[Key]], bottom: float,
) -> list[Point]:  # fmt: skip
    start, end = edge
    first = (placed.boxes[start][0] + sizes[start][0], middle[start])
    final = (placed.boxes[end][0], middle[end])
    chain = by_edge.get(edge)
    if chain is None:
        return [first, (first[0] + 20, bottom + 14), (final[0] - 20, bottom + 14), final]
    column = {key: index for index, row in enumerate(rows) for key in row}
    points = [first]
    for key in chain[1:-1]:
        left = lefts[column[key]]
        wide = max((sizes[one][0] for one in rows[column[key]] if one in sizes), default=0.0)
        points += [(left, middle[key]), (left + wide, middle[key])]
    return [*points, final]
