"""A diagram as SVG: a frame for each flow, topics between them, arrows from left to right."""

import itertools
import unicodedata
from collections.abc import Iterator
from html import escape

from flows.drawing.diagram import COLOURS, Arrow, Box, Picture
from flows.drawing.layered_layout import Placed, Point, Size, layered

MARGIN = 24.0
TITLE = 26.0
LINE = 17.0
CHARACTER = 6.9
BOLD = 1.15
PADDING = 11.0
WEIGHT = ' font-weight="600"'
RADIUS = {"source": 12.0, "stream": 4.0, "alarm": 4.0, "sink": 4.0, "topic": 14.0}


def svg(picture: Picture) -> str:
    """The picture as an SVG document, readable without scripts or fonts of its own."""
    inner = {flow: _layout_flow(picture, flow) for flow in picture.flows()}
    outer, routes = _layout_all(picture, inner)
    place = {key: (x + MARGIN, y + MARGIN) for key, (x, y) in outer.boxes.items()}
    for flow, placed in inner.items():
        left, top = place[flow]
        place |= {
            key: (x + left + PADDING, y + top + TITLE) for key, (x, y) in placed.boxes.items()
        }
    wide, high = outer.size[0] + 2 * MARGIN, outer.size[1] + 2 * MARGIN
    label = escape("Flows: " + ", ".join(picture.flows()))
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
            f'viewBox="0 0 {wide:.0f} {high:.0f}" role="img" aria-label="{label}" '
            'font-family="system-ui, sans-serif" font-size="12">'
        ),
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8"'
            ' markerHeight="8" orient="auto"><path d="M0 0 L8 4 L0 8 z"'
            ' fill="#57606a"/></marker></defs>'
        ),
        f'<rect width="{wide:.0f}" height="{high:.0f}" fill="#ffffff"/>',
    ]
    parts += [_frame(flow, *place[flow], _framed(placed)) for flow, placed in inner.items()]
    parts += _arrows(picture, inner, routes, place)
    parts += [_box(box, *place[box.id]) for box in picture.boxes.values()]
    return "\n".join([*parts, "</svg>"]) + "\n"


def size_of(box: Box) -> Size:
    """Width and height of a box, from its lines."""
    wide = max(
        _width(line) * (BOLD if number == 0 else 1.0) for number, line in enumerate(box.lines)
    )
    return wide + 2 * PADDING, LINE * len(box.lines) + 2 * PADDING - 6


def _width(text: str) -> float:
    return sum(
        CHARACTER * (1.8 if unicodedata.east_asian_width(sign) in "WF" else 1.0) for sign in text
    )


def _inside(picture: Picture, flow: str) -> list[Arrow]:
    boxes = picture.boxes
    return [
        arrow
        for arrow in picture.arrows
        if boxes[arrow.start].flow == flow == boxes[arrow.end].flow
    ]


def _layout_flow(picture: Picture, flow: str) -> Placed:
    boxes = [box for box in picture.boxes.values() if box.flow == flow]
    edges = [(arrow.start, arrow.end) for arrow in _inside(picture, flow)]
    sizes = {box.id: size_of(box) for box in boxes}
    return layered(sizes, edges, last=[box.id for box in boxes if box.kind == "sink"])


def _framed(placed: Placed) -> Size:
    return placed.size[0] + 2 * PADDING, placed.size[1] + TITLE + PADDING


def _outer(picture: Picture, key: str) -> str:
    return picture.boxes[key].flow or key


def _layout_all(
    picture: Picture, inner: dict[str, Placed]
) -> tuple[Placed, dict[tuple[str, str], list[Point]]]:
    """Place frames of flows, topics and processes, and bend the arrows between them."""
    sizes = {flow: _framed(placed) for flow, placed in inner.items()}
    sizes |= {box.id: size_of(box) for box in picture.boxes.values() if box.flow is None}
    pairs = [(_outer(picture, arrow.start), _outer(picture, arrow.end)) for arrow in picture.arrows]
    edges = list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))
    placed = layered(sizes, edges, gap=(56.0, 28.0))
    bends = {
        edge: [(x + MARGIN, y + MARGIN) for x, y in route[1:-1]]
        for edge, route in zip(edges, placed.routes, strict=True)
    }
    return placed, bends


def _arrows(
    picture: Picture,
    inner: dict[str, Placed],
    bends: dict[tuple[str, str], list[Point]],
    place: dict[str, Point],
) -> Iterator[str]:
    for flow, placed in inner.items():
        left, top = place[flow][0] + PADDING, place[flow][1] + TITLE
        for arrow, route in zip(_inside(picture, flow), placed.routes, strict=True):
            yield _arrow([(x + left, y + top) for x, y in route], arrow.label)
    for arrow in picture.arrows:
        start, end = _outer(picture, arrow.start), _outer(picture, arrow.end)
        if start == end:
            continue
        wide, high = size_of(picture.boxes[arrow.start])
        x, y = place[arrow.start]
        points = [(x + wide, y + high / 2)]
        if start in inner:
            points.append((place[start][0] + _framed(inner[start])[0], y + high / 2))
        target_x, target_y = place[arrow.end]
        middle = target_y + size_of(picture.boxes[arrow.end])[1] / 2
        points += bends[start, end]
        if end in inner:
            points.append((place[end][0], middle))
        yield _arrow([*points, (target_x, middle)], arrow.label)


def _arrow(points: list[Point], label: str) -> str:
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        bend = (x2 - x1) / 2 if x2 > x1 else 30.0
        path += f" C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    drawn = (
        f'<path d="{path}" fill="none" stroke="#57606a" stroke-width="1.3" marker-end="url(#tip)"/>'
    )
    if not label:
        return drawn
    x, y = points[0]
    return (
        f'{drawn}<text x="{x + 5:.1f}" y="{y - 5:.1f}" font-size="11" fill="#57606a" '
        f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(label)}</text>'
    )


def _frame(flow: str, left: float, top: float, size: Size) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" rx="8"'
        f' fill="#f6f8fa" stroke="#d0d7de"/><text x="{left + PADDING:.1f}" y="{top + 17:.1f}"'
        f' font-size="13" font-weight="600" fill="#1b1f24">{escape(flow)}</text>'
    )


def _box(box: Box, left: float, top: float) -> str:
    (wide, high), (fill, line) = size_of(box), COLOURS[box.kind]
    texts = "".join(
        f'<text x="{left + PADDING:.1f}" y="{top + PADDING + 9 + number * LINE:.1f}" fill="#1b1f24"'
        f"{WEIGHT if number == 0 else ''}>{escape(text)}</text>"
        for number, text in enumerate(box.lines)
    )
    return (
        f'<g><title>{escape(box.kind)} {escape(box.lines[0])}</title><rect x="{left:.1f}"'
        f' y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="{RADIUS[box.kind]}"'
        f' fill="{fill}" stroke="{line}"/>{texts}</g>'
    )
