"""Made-up scenes: simple shapes over a yard, to try a flow without any camera.

A scene is a function of the time in seconds; the same time gives the same picture.
"""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
Image = NDArray[np.uint8]
Scene = Callable[[float], Image]


@cache
def _yard() -> Image:
    yard = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    yard[: HEIGHT // 3] = (190, 170, 150)
    yard[HEIGHT // 3 :] = (96, 104, 110)
    for left in range(20, WIDTH, 120):
        cv2.rectangle(yard, (left, 40), (left + 80, 140), (70, 80, 120), -1)
        cv2.rectangle(yard, (left + 25, 60), (left + 55, 95), (180, 190, 200), -1)
    for row in range(150, HEIGHT, 35):
        cv2.line(yard, (0, row), (WIDTH, row), (110, 118, 124), 1)
    return yard


def person(image: Image, x: float, foot: float, height: float, step: float = 0.0) -> None:
    """Draw a standing shape with its feet at (x, foot); `step` moves its legs."""
    swing = 0.12 * height * np.sin(step)
    hip, shoulder = foot - 0.48 * height, foot - 0.82 * height
    for side in (-1, 1):
        cv2.line(image, _at(x, hip), _at(x + side * swing, foot), (60, 40, 30), _wide(height, 0.1))
    cv2.line(image, _at(x, hip), _at(x, shoulder), (40, 40, 170), _wide(height, 0.22))
    cv2.circle(image, _at(x, foot - 0.91 * height), _wide(height, 0.08), (140, 170, 210), -1)


def car(image: Image, x: float, foot: float, width: float) -> None:
    """Draw a car whose middle is at x, on the ground at foot."""
    body, roof = _at(x - width / 2, foot - 0.28 * width), _at(x - width / 4, foot - 0.45 * width)
    cv2.rectangle(image, roof, _at(x + width / 4, foot - 0.25 * width), (120, 60, 40), -1)
    cv2.rectangle(image, body, _at(x + width / 2, foot - 0.08 * width), (150, 70, 40), -1)
    for side in (-0.3, 0.3):
        wheel = _at(x + side * width, foot - 0.08 * width)
        cv2.circle(image, wheel, _wide(width, 0.08), (20, 20, 20), -1)


def _at(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _wide(size: float, part: float) -> int:
    return max(1, round(size * part))


def _noisy(image: Image, at: float) -> Image:
    noise = np.random.default_rng(int(at * 1000)).integers(-3, 4, (HEIGHT, WIDTH, 1), np.int16)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def still(at: float) -> Image:
    """Nothing moves."""
    return _noisy(_yard(), at)


def walk(at: float) -> Image:
    """Somebody crosses the yard, for ten of every twenty seconds."""
    image = _yard().copy()
    since = at % 20
    if since < 10:
        person(image, -40 + since * (WIDTH + 80) / 10, 300, 150, since * 6)
    return _noisy(image, at)


def street(at: float) -> Image:
    """A person comes one way, a car the other."""
    image = _yard().copy()
    person(image, -40 + at % 16 * (WIDTH + 80) / 16, 280, 120, at * 6)
    car(image, WIDTH + 120 - at % 24 * (WIDTH + 240) / 8, 340, 200)
    return _noisy(image, at)


SCENES: dict[str, Scene] = {"walk": walk, "street": street, "still": still}
"""By the name behind `simulate:`."""
