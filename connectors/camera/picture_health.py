"""Whether a camera shows what it should: frozen, dark, covered, out of focus or moved pictures."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from connectors.camera.motion import Gray

FROZEN_AFTER = 5.0
"""Seconds of the same picture; a real sensor's noise makes each one a little different."""
SAME = 0.02
"""Mean difference in levels of gray up to which two pictures are the same."""
TOLD_AFTER, OVER_AFTER = 3.0, 3.0
"""Seconds for which a picture must be bad, or good again."""
EVERY = 0.5
"""Seconds between two looks at structure."""
DARK_MEAN, DARK_BRIGHTEST = 20.0, 50.0
FLAT = 6.0
"""Spread of gray levels under which there is no structure."""
BLUR_RATIO = 0.35
"""Sharpness as a part of the usual one, under which a picture is out of focus."""
MOVED_LIKENESS = 0.25
"""Correlation of the outlines with the usual ones, under which the camera looks elsewhere."""
LEARN, RELEARN = 60.0, 60.0
"""Seconds: how slowly the usual picture is learnt; how long another view counts as moved."""

METRICS = ("frozen", "dark", "covered", "blurred", "moved")


class Change(NamedTuple):
    """A state that changed: its metric (`camera_dark`), and whether it is so now."""

    metric: str
    on: bool


class PictureHealth:
    """Judges the gray pictures of one camera; times in seconds on a clock that does not go back."""

    def __init__(self) -> None:
        self._states = {metric: _Held() for metric in METRICS}
        self._before: NDArray[np.int16] | None = None
        self._same_since = 0.0
        self._looked_at: float | None = None
        self._outlines: NDArray[np.float32] | None = None
        self._sharpness: float | None = None

    def restart(self) -> None:
        """Another connection begins: the picture may have been any meanwhile."""
        self._before = None
        self._looked_at = None

    def states(self) -> list[Change]:
        """All states as they are now."""
        return [Change(f"camera_{metric}", held.on) for metric, held in self._states.items()]

    def look(self, gray: Gray, at: float) -> list[Change]:
        """Judge the next picture; what changed by it."""
        present = {"frozen": self._is_frozen(gray, at)}
        if self._looked_at is None or at - self._looked_at >= EVERY:
            passed = 0.0 if self._looked_at is None else at - self._looked_at
            self._looked_at = at
            present |= self._judge(gray, passed)
        return [
            Change(f"camera_{metric}", on)
            for metric, on in present.items()
            if self._states[metric].takes(on, at, immediate=metric == "frozen")
        ]

    def _is_frozen(self, gray: Gray, at: float) -> bool:
        now = gray.astype(np.int16)
        before = self._before
        if (
            before is None
            or before.shape != now.shape
            or float(np.mean(np.abs(now - before))) > SAME
        ):
            self._before, self._same_since = now, at
        return at - self._same_since >= FROZEN_AFTER

    def _judge(self, gray: Gray, passed: float) -> dict[str, bool]:
        mean, spread = (float(value[0][0]) for value in cv2.meanStdDev(gray))
        dark = mean < DARK_MEAN and float(np.percentile(gray, 99)) < DARK_BRIGHTEST
        covered = not dark and spread < FLAT
        if dark or covered:
            return {"dark": dark, "covered": covered, "blurred": False, "moved": False}
        sharpness = float(cv2.meanStdDev(cv2.Laplacian(gray, cv2.CV_32F))[1][0][0]) / spread
        blurred = self._sharpness is not None and sharpness < BLUR_RATIO * self._sharpness
        outlines = _outlines(gray)
        moved = (
            not blurred
            and self._outlines is not None
            and _likeness(outlines, self._outlines) < MOVED_LIKENESS
        )
        self._learn(sharpness, outlines, passed, blurred, moved)
        return {"dark": dark, "covered": covered, "blurred": blurred, "moved": moved}

    def _learn(
        self,
        sharpness: float,
        outlines: NDArray[np.float32],
        passed: float,
        blurred: bool,
        moved: bool,
    ) -> None:
        held = self._states["moved"]
        if moved and held.on and self._looked_at is not None:
            moved = self._looked_at - held.since < RELEARN
            if not moved:
                self._outlines = None
        if self._outlines is None or self._sharpness is None:
            self._outlines, self._sharpness = outlines, sharpness
        elif not (blurred or moved):
            rate = min(1.0, passed / LEARN)
            self._outlines = self._outlines + rate * (outlines - self._outlines)
            self._sharpness += rate * (sharpness - self._sharpness)


class _Held:
    """A state that changes only after its sign was there for a while."""

    def __init__(self) -> None:
        self.on = False
        self.since = 0.0
        self._other_since: float | None = None

    def takes(self, on: bool, at: float, immediate: bool) -> bool:
        """Take what the picture at this time shows; whether the state changed by it."""
        if on == self.on:
            self._other_since = None
            return False
        if self._other_since is None or self._other_since > at:
            self._other_since = at
        wait = 0.0 if immediate else TOLD_AFTER if on else OVER_AFTER
        if at - self._other_since < wait:
            return False
        self.on, self.since, self._other_since = on, at, None
        return True


def _outlines(gray: Gray) -> NDArray[np.float32]:
    """Where the picture has edges, in rough squares, whatever the light."""
    small = cv2.GaussianBlur(gray, (0, 0), 2).astype(np.float32)
    across = cv2.Sobel(small, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(small, cv2.CV_32F, 0, 1)
    edges = cv2.resize(cv2.magnitude(across, down), (80, 45), interpolation=cv2.INTER_AREA)
    return np.asarray(np.sqrt(edges), np.float32)


def _likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return 1.0 if size == 0 else float((a * b).sum()) / size
