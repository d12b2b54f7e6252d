"""Drawn street scenes with persons and cars, and where they are: what the demo model can find.

A scene follows from its seed. Boxes are left, top, right, bottom in pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

NAMES = ["person", "car"]
PERSON, CAR = 0, 1
SUBPIXEL = 4  # bits of a coordinate behind the point
LEAST_VISIBLE = 0.35
MOST_COVERED = 0.65

Canvas = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]
Colour = npt.NDArray[np.floating[Any]]


class Label(NamedTuple):
    """One object of a scene."""

    name: str
    box: Box


def background(dice: np.random.Generator, width: int, height: int) -> Canvas:
    """A street: sky, ground, houses, lane marks, and things that are neither person nor car."""
    horizon = int(height * dice.uniform(0.15, 0.5))
    canvas = np.empty((height, width, 3), np.float32)
    above, below = dice.uniform(60, 255, 3), dice.uniform(60, 255, 3)
    down = np.linspace(0, 1, horizon)[:, None, None]
    canvas[:horizon] = above * (1 - down) + below * down
    gray = dice.uniform(40, 190)
    ground = gray + dice.uniform(-25, 25, 3)
    canvas[horizon:] = ground * np.linspace(0.8, 1.15, height - horizon)[:, None, None]
    for _ in range(dice.integers(2, 9)):
        _house(dice, canvas, horizon)
    for _ in range(dice.integers(0, 5)):
        ends = dice.integers(0, width, 2)
        colour, thick = dice.uniform(100, 255, 3).tolist(), int(dice.integers(1, 5))
        cv2.line(canvas, (int(ends[0]), height), (int(ends[1]), horizon), colour, thick)
    for _ in range(dice.integers(0, 7)):
        _thing(dice, canvas, horizon)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), dice.uniform(0.3, 1.2)), np.float32)


def _house(dice: np.random.Generator, canvas: Canvas, horizon: int) -> None:
    height, width = canvas.shape[:2]
    left, wide, tall = (
        int(dice.integers(-20, width)),
        int(dice.integers(20, width // 4)),
        int(dice.integers(15, max(16, horizon))),
    )
    colour = dice.uniform(30, 220, 3)
    low = horizon + int(dice.integers(0, max(1, height // 12)))
    cv2.rectangle(canvas, (left, low - tall), (left + wide, low), colour.tolist(), -1)
    if dice.random() < 0.6:
        for y in range(low - tall + 6, low - 8, 14):
            for x in range(left + 5, left + wide - 8, 13):
                shade = (colour * dice.uniform(0.5, 1.5)).tolist()
                cv2.rectangle(canvas, (x, y), (x + 6, y + 7), shade, -1)


def _thing(dice: np.random.Generator, canvas: Canvas, horizon: int) -> None:
    height, width = canvas.shape[:2]
    kind = dice.integers(0, 4)
    x, y = int(dice.integers(0, width)), int(dice.integers(horizon, height))
    size = int(dice.integers(8, height // 4))
    colour = dice.uniform(20, 235, 3).tolist()
    if kind == 0:
        cv2.rectangle(canvas, (x, y - 2 * size), (x + max(2, size // 8), y), colour, -1)
    elif kind == 1:
        half = max(1, size // 10)
        cv2.rectangle(canvas, (x - half, y - size), (x + half, y), (40, 60, 90), -1)
        for _ in range(5):
            across = x + int(dice.integers(-size // 2, size // 2 + 1))
            up = y - size - int(dice.integers(0, size))
            green = [float(dice.uniform(*some)) for some in ((20, 70), (70, 170), (20, 90))]
            cv2.circle(canvas, (across, up), max(3, size // 2), green, -1)
    elif kind == 2:
        right = x + int(size * dice.uniform(0.5, 2))
        cv2.rectangle(canvas, (x, y - size), (right, y), colour, -1)
    else:
        cv2.circle(canvas, (x, y - size // 2), max(3, size // 2), colour, -1)


class Thing:
    """A person or a car that walks or drives; `x`, `y` is where it stands, `speed` in pixels."""

    def __init__(
        self,
        dice: np.random.Generator,
        width: int,
        height: int,
        kind: int | None = None,
        size: float | None = None,
    ) -> None:
        self.kind = int(dice.integers(0, 2)) if kind is None else kind
        is_person = self.kind == PERSON
        tall = float(size if size else dice.uniform(0.11, 0.5) * height)
        self.tall = tall * (1 if is_person else 0.62)
        self.aspect = dice.uniform(0.34, 0.46) if is_person else dice.uniform(2.0, 2.6)
        self.x, self.y = dice.uniform(0, width), dice.uniform(0.45 * height, height)
        self.y = max(self.y, self.tall + 2)
        pace = dice.uniform(1, 3) * (1 if dice.random() < 0.5 else -1)
        self.speed = pace * (1 if is_person else 2.2)
        self.colours = [dice.uniform(15, 240, 3) for _ in range(3)]
        skin = [dice.uniform(60, 170), dice.uniform(80, 190), dice.uniform(110, 235)]
        self.skin = np.array(skin)
        self.light, self.phase = dice.uniform(-0.35, 0.35), dice.uniform(0, 6.28)
        self.style = int(dice.integers(0, 3))

    @property
    def box(self) -> Box:
        """Where it is, in pixels."""
        half = self.tall * self.aspect / 2
        return self.x - half, self.y - self.tall, self.x + half, self.y

    def draw(self, canvas: Canvas, moment: float = 0.0) -> None:
        """Draw it as it is at a moment, lit from one side."""
        left, top, right, low = self.box
        rows = slice(max(0, int(top)), int(low) + 1)
        columns = slice(max(0, int(left)), int(right) + 1)
        before = canvas[rows, columns].copy()
        brush = _Brush(canvas, self.box)
        if self.kind == PERSON:
            self._draw_person(brush, moment)
        else:
            self._draw_car(brush)
        drawn = canvas[rows, columns]
        if drawn.size:
            changed = np.any(drawn != before, axis=2)[..., None]
            light = np.linspace(1 + self.light, 1 - self.light, drawn.shape[1])[None, :, None]
            drawn[:] = np.where(changed, drawn * light, drawn)

    def _draw_person(self, brush: "_Brush", moment: float) -> None:
        gait = 0.5 + 0.5 * np.sin(self.phase + moment * 0.35)
        step = 0.06 + 0.3 * abs(gait - 0.5) * 2
        swing = 0.12 * (gait - 0.5) * 2
        coat, trousers, hat = self.colours
        brush.shape([(0.34, 0.5), (0.52, 0.5), (0.5 - step * 0.3, 1), (0.32 - step, 1)], trousers)
        brush.shape(
            [(0.48, 0.5), (0.66, 0.5), (0.68 + step, 1), (0.5 + step * 0.3, 1)], trousers * 0.8
        )
        brush.shape([(0.22, 0.2), (0.78, 0.2), (0.72, 0.55), (0.28, 0.55)], coat)
        sleeve = coat * 0.85
        brush.shape([(0.22, 0.2), (0.3, 0.24), (0.16 + swing, 0.55), (0.02 + swing, 0.53)], sleeve)
        brush.shape([(0.78, 0.2), (0.7, 0.24), (0.84 - swing, 0.55), (0.98 - swing, 0.53)], sleeve)
        brush.oval(0.5, 0.095, 0.23, 0.095, self.skin)
        if self.style:
            brush.shape([(0.28, 0.07), (0.34, 0.0), (0.66, 0.0), (0.72, 0.07)], hat)

    def _draw_car(self, brush: "_Brush") -> None:
        paint, _, glass = self.colours
        cabin = [
            [(0.2, 0.45), (0.33, 0.02), (0.72, 0.02), (0.88, 0.45)],
            [(0.12, 0.45), (0.2, 0.02), (0.9, 0.02), (0.97, 0.45)],
            [(0.28, 0.45), (0.42, 0.02), (0.66, 0.02), (0.8, 0.45)],
        ][self.style]
        if self.speed < 0:
            cabin = [(1 - across, down) for across, down in cabin][::-1]
        brush.shape(cabin, paint * 0.92)
        middle = float(np.mean([across for across, _ in cabin]))
        window = [(middle + (u - middle) * 0.82, 0.08 + v * 0.82) for u, v in cabin]
        brush.shape(window, glass * 0.35 + 20)
        post = [(-0.015, 0.05), (0.015, 0.05), (0.015, 0.45), (-0.015, 0.45)]
        brush.shape([(middle + u, v) for u, v in post], paint * 0.9)
        body = [(0, 0.52), (0.05, 0.42), (0.95, 0.42), (1, 0.52), (1, 0.84), (0, 0.84)]
        brush.shape(body, paint)
        brush.shape([(0, 0.74), (1, 0.74), (1, 0.84), (0, 0.84)], paint * 0.55)
        for across in (0.2, 0.8):
            brush.oval(across, 0.82, 0.105, 0.18, np.array([25, 25, 25]))
            brush.oval(across, 0.82, 0.05, 0.09, np.array([150, 150, 150]))
        lamp = 0.96 if self.speed > 0 else 0.04
        brush.oval(lamp, 0.58, 0.03, 0.06, np.array([190, 240, 250]))


@dataclass
class _Brush:
    """Draws in fractions of a box."""

    canvas: Canvas
    box: Box

    def _point(self, across: float, down: float) -> tuple[int, int]:
        left, top, right, low = self.box
        scale = 1 << SUBPIXEL
        x, y = left + across * (right - left), top + down * (low - top)
        return round(x * scale), round(y * scale)

    def shape(self, corners: Sequence[tuple[float, float]], colour: Colour) -> None:
        points = np.array([self._point(*corner) for corner in corners], np.int32)
        cv2.fillPoly(self.canvas, [points], colour.astype(float).tolist(), cv2.LINE_8, SUBPIXEL)

    def oval(self, across: float, down: float, wide: float, tall: float, colour: Colour) -> None:
        left, top, right, low = self.box
        scale = 1 << SUBPIXEL
        axes = (
            max(scale, int(wide * (right - left) * scale)),
            max(scale, int(tall * (low - top) * scale)),
        )
        fill = colour.astype(float).tolist()
        centre = self._point(across, down)
        cv2.ellipse(self.canvas, centre, axes, 0, 0, 360, fill, -1, cv2.LINE_8, SUBPIXEL)


def _covered(box: Box, other: Box) -> float:
    """The part of a box that lies under another."""
    wide = max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
    tall = max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
    return wide * tall / max(1e-6, (box[2] - box[0]) * (box[3] - box[1]))


def draw(
    dice: np.random.Generator,
    street: Canvas,
    things: Sequence[Thing],
    moment: float = 0.0,
    noise: float | None = None,
    gain: float = 1.0,
) -> tuple[Picture, list[Label]]:
    """A picture of things on a street, and the labels of those that can be seen."""
    height, width = street.shape[:2]
    canvas = street.copy()
    ordered = sorted(things, key=lambda thing: thing.y)
    labels = []
    for number, thing in enumerate(ordered):
        thing.draw(canvas, moment)
        left, top, right, low = thing.box
        seen = (max(0, left), max(0, top), min(width, right), min(height, low))
        is_large = seen[2] - seen[0] >= 5 and seen[3] - seen[1] >= 8
        if not is_large or (seen[2] - seen[0]) / (right - left) < LEAST_VISIBLE:
            continue
        if any(_covered(seen, other.box) > MOST_COVERED for other in ordered[number + 1 :]):
            continue
        labels.append(Label(NAMES[thing.kind], seen))
    spread = dice.uniform(1, 12) if noise is None else noise
    noisy = canvas * gain + dice.normal(0, spread, (height, width, 1))
    return np.clip(noisy, 0, 255).astype(np.uint8), labels


def scene(dice: np.random.Generator, width: int, height: int) -> tuple[Picture, list[Label]]:
    """A scene with up to six things."""
    street = background(dice, width, height)
    count = int(dice.choice(7, p=[0.06, 0.2, 0.22, 0.2, 0.14, 0.1, 0.08]))
    things = [Thing(dice, width, height) for _ in range(count)]
    return draw(dice, street, things, dice.uniform(0, 50), gain=dice.uniform(0.6, 1.15))


def video(
    seed: int, width: int = 640, height: int = 360, pictures: int = 300
) -> Iterator[tuple[Picture, list[Label]]]:
    """Things that move over one street; new ones come in from the sides."""
    dice = np.random.default_rng(seed)
    street = background(dice, width, height)
    things = [Thing(dice, width, height) for _ in range(3)]
    for moment in range(pictures):
        for thing in things:
            thing.x += thing.speed
        reach = [0.6 * thing.tall * thing.aspect for thing in things]
        things = [
            thing for thing, far in zip(things, reach, strict=True) if -far < thing.x < width + far
        ]
        if len(things) < 5 and dice.random() < 0.03:
            thing = Thing(dice, width, height)
            far = 0.5 * thing.tall * thing.aspect
            thing.x = -far if thing.speed > 0 else width + far
            things.append(thing)
        yield draw(dice, street, things, moment, noise=4)
