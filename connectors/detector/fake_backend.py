"""A model that needs no file: what it finds follows from the picture. Tests all around it."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np

from connectors.detector.model import ModelError, ModelFacts
from connectors.detector.objects import Limits, Objects, Pixels

SCHEME = "fake:"
NAMES = ["person", "car"]
KNOWN = {"ms", "per_picture_ms", "hang", "die"}
FOREVER = 3600.0


class FakeBackend:
    """One person a picture, whose score is the picture's mean brightness.

    Its address is `fake:?ms=20&per_picture_ms=5`: what a run takes, and each picture of it. While
    the file named by `hang` is there, a run does not come back; the file named by `die` ends the
    process, and is removed before.
    """

    def __init__(self, address: str) -> None:
        query = parse_qs(urlsplit(address).query)
        if unknown := set(query) - KNOWN:
            raise ModelError(f"{address}: no {sorted(unknown)}; known: {', '.join(sorted(KNOWN))}")
        self._once = float(query.get("ms", ["0"])[0]) / 1000
        self._each = float(query.get("per_picture_ms", ["0"])[0]) / 1000
        self._hang = query.get("hang", [""])[0]
        self._die = query.get("die", [""])[0]
        self.device = "cpu"
        self.facts = ModelFacts(
            path=address, names=NAMES, height=320, width=320, head="end_to_end", about="a fake"
        )

    def prepare(self, pictures: Sequence[Pixels]) -> list[Pixels]:
        """Nothing."""
        return list(pictures)

    def find(self, prepared: list[Pixels], limits: Limits) -> list[Objects]:
        """Wait as the address says, and find one person a picture."""
        if self._hang and Path(self._hang).exists():
            time.sleep(FOREVER)
        if self._die and Path(self._die).exists():
            Path(self._die).unlink()
            os._exit(3)
        time.sleep(self._once + self._each * len(prepared))
        return [_one(picture, limits) for picture in prepared]


def _one(picture: Pixels, limits: Limits) -> Objects:
    tall, wide = picture.shape[:2]
    score = float(picture.mean()) / 255
    seen = score >= limits.floor and (limits.classes is None or 0 in limits.classes)
    boxes = np.array([[wide * 0.25, tall * 0.25, wide * 0.5, tall * 0.75]], np.float32)
    return Objects(boxes[:seen], np.array([score], np.float32)[:seen], np.zeros(1, np.int64)[:seen])
