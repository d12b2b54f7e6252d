"""Generated gray pictures of a yard, five a second, and what may happen in it."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 320, 180, 5
Picture = NDArray[np.uint8]
Draw = Callable[[NDArray[np.float32], float, np.random.Generator], None]
TREE = [(0.6, 0.0), (1.0, 0.0), (1.0, 0.6), (0.6, 0.6)]
CLOCK = [(0.0, 0.0), (0.5, 0.0), (0.5, 0.12), (0.0, 0.12)]


def yard(seed: int = 0) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    image = np.empty((HEIGHT, WIDTH), np.float32)
    image[:60], image[60:] = 170, 105
    for left in range(10, WIDTH, 62):
        cv2.rectangle(image, (left, 15), (left + 40, 72), float(random.uniform(60, 140)), -1)
        cv2.rectangle(image, (left + 12, 25), (left + 26, 45), 190.0, -1)
    for row in range(80, HEIGHT, 17):
        cv2.line(image, (0, row), (WIDTH, row), 118.0, 1)
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def play(
    seconds: float, *draws: Draw, noise: float = 4.0, seed: int = 0
) -> Iterator[tuple[float, Picture]]:
    random = np.random.default_rng(seed + 1)
    ground = yard(seed)
    for number in range(round(seconds * FPS)):
        at = number / FPS
        image = ground.copy()
        for draw in draws:
            draw(image, at, random)
        image += random.normal(0, noise, image.shape).astype(np.float32)
        yield at, np.clip(image, 0, 255).astype(np.uint8)


def walker(start: float, seconds: float = 8.0, height: float = 60.0, level: float = 40.0) -> Draw:
    def draw(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
        since = at - start
        if not 0 <= since <= seconds:
            return
        x, foot = since / seconds * WIDTH, 150.0
        hip, shoulder = foot - height / 2, foot - 0.85 * height
        for side in (-1, 1):
            toe = round(x + side * 0.1 * height * np.sin(since * 6)), round(foot)
            cv2.line(image, (round(x), round(hip)), toe, level, max(2, round(height / 10)))
        left, right = round(x - height / 8), round(x + height / 8)
        cv2.rectangle(image, (left, round(shoulder)), (right, round(hip)), level, -1)
        cv2.circle(image, (round(x), round(foot - 0.92 * height)), round(height / 12), 200.0, -1)

    return draw


def lamp(at_seconds: float, factor: float = 2.2) -> Draw:
    """The light is dim until then."""

    def draw(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
        image *= 0.4 if at < at_seconds else 0.4 * factor

    return draw


def clouds(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
    image *= 1 + 0.25 * np.sin(at / 3)


def rain(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
    for _ in range(150):
        x, y = int(random.integers(0, WIDTH)), int(random.integers(0, HEIGHT))
        length = int(random.integers(4, 10))
        cv2.line(image, (x, y), (x + 1, y + length), float(random.uniform(150, 230)), 1)


def tree(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
    for number in range(40):
        sway = 6 * np.sin(at * 2.1 + number) + 3 * np.sin(at * 5.3 + 2 * number)
        x, y = 205 + number * 29 % 100 + sway, 10 + number * 17 % 80
        cv2.circle(image, (round(x), round(y)), 7, float(40 + number * 37 % 90), -1)


def web(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
    """A spider's threads, lit, swinging before the lens."""
    for number in range(6):
        swing = 8 * np.sin(at * 1.7 + number)
        end = (round(60 + number * 45 + swing), round(HEIGHT - 1))
        cv2.line(image, (number * 30, 0), end, 210.0, 2)


def overlay(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
    text = f"2026-11-29 12:{int(at) // 60 % 60:02}:{int(at) % 60:02}"
    drawn = np.zeros(image.shape, np.uint8)
    cv2.putText(drawn, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 255.0, 1)
    image[drawn > 128] = 255


def headlights(image: NDArray[np.float32], at: float, random: np.random.Generator) -> None:
    """The whole yard flickers, every second."""
    if int(at) % 2:
        image += 60
