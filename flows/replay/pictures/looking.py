"""Looks at a recording as the live flow looks at a camera: pace, motion gate, JPEG, model."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import av
from av.error import FFmpegError

from connectors.base import ConnectorError
from connectors.camera.camera import SIGN_EVERY
from connectors.camera.jpeg import encode_jpeg, small_gray
from connectors.camera.motion import MotionGate
from connectors.camera.rate import RatePicker
from connectors.camera.streams.stream import AvStream, Picture, StreamError
from connectors.detector.backend import Backend
from connectors.detector.backends import backends_for, open_backend
from connectors.detector.objects import Limits
from connectors.detector.worker_messages import Box, Region, Setup, Work
from connectors.detector.worker_process import answer, limits_of, prepare
from flows.replay.pictures.known import SeenPicture
from flows.replay.pictures.look import Look, View
from flows.vision.detection import FLOOR, SEEN_FROM
from operators.vision.regions import Regions

MOST_BYTES = 900_000
"""The largest JPEG, as cameras make them."""
AT_ONCE = 8
"""Pictures in one run of the model: always as many, so that a replay can be repeated exactly."""


class Facts(NamedTuple):
    """What a file says of itself: when it was made, in epoch seconds, and how long it is."""

    made: float | None
    seconds: float


def facts_of(path: Path) -> Facts:
    """The facts of a recording. Raises `ConnectorError` for what is no video."""
    try:
        with av.open(str(path)) as file:
            if not file.streams.video:
                raise ConnectorError(f"{path} has no video")
            made = file.metadata.get("creation_time")
            seconds = file.duration / av.time_base if file.duration else 0.0
    except (FFmpegError, OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConnectorError(f"{path} is no video that can be played: {why}") from None
    return Facts(_epoch(made), seconds)


class Finder:
    """The model of a look, loaded when the first picture needs it. `pictures` counts its work."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._backend: Backend | None = None
        self._limits = Limits(FLOOR)
        self.pictures = 0

    @property
    def smallest(self) -> int:
        """Pixels of the longer side of the model's input. Raises `ConnectorError`."""
        facts = (self._backend or self._load()).facts
        return max(facts.width, facts.height)

    def find(self, work: Work) -> list[list[Box] | None]:
        """The objects on each picture. Raises `ConnectorError` where the model cannot run."""
        backend = self._backend or self._load()
        self.pictures += len(work.jpegs)
        batch = prepare(work, backend)
        found = backend.find(batch.values, self._limits)
        return answer(batch, found, backend.facts.names, self._limits, 0.0).pictures

    def _load(self) -> Backend:
        model = self._look.model
        assert model is not None
        failure: ConnectorError | None = None
        for name in backends_for(model):
            try:
                backend = open_backend(name, model)
                setup = Setup(name, model, list(self._look.classes), FLOOR)
                self._limits = limits_of(setup, backend.facts.names)
            except ConnectorError as error:
                failure = failure or error
                continue
            self._backend = backend
            return backend
        assert failure is not None
        raise failure


def look_at(
    path: Path, look: Look, view: View, finder: Finder, tell: Callable[[float], None]
) -> list[SeenPicture]:
    """What is on a recording; `tell` hears how many of its seconds are done.

    Each recording is looked at for itself: the gate learns its scene anew. Raises
    `ConnectorError`.
    """
    try:
        return list(_looked_at(path, look, view, finder, tell))
    except StreamError as error:
        raise ConnectorError(f"{path} is no video that can be played: {error}") from None


def _looked_at(
    path: Path, look: Look, view: View, finder: Finder, tell: Callable[[float], None]
) -> Iterator[SeenPicture]:
    waiting: list[_Taken] = []
    seen = _Seen(look, finder)
    for taken in _taken(path, look, view):
        tell(taken.picture.at)
        if not taken.picture.moving or look.model is None:
            yield from seen.on(waiting)
            waiting = []
            yield taken.picture
            continue
        waiting.append(taken)
        if len(waiting) == AT_ONCE:
            yield from seen.on(waiting)
            waiting = []
    yield from seen.on(waiting)


class _Taken(NamedTuple):
    """A picture, its JPEG where it passes the gate, and where something moves on it."""

    picture: SeenPicture
    jpeg: bytes = b""
    motion: Sequence[Region] = ()


class _Seen:
    """Looks at pictures of one recording, at all of them or where something moves."""

    def __init__(self, look: Look, finder: Finder) -> None:
        self._finder = finder
        self._regions = Regions() if look.by_motion else None

    def on(self, waiting: Sequence[_Taken]) -> Iterator[SeenPicture]:
        if not waiting:
            return
        jpegs = [taken.jpeg for taken in waiting]
        found = self._finder.find(Work(jpegs, [*map(self._where, waiting)]))
        for taken, boxes in zip(waiting, found, strict=True):
            if boxes is None:
                continue
            picture = taken.picture
            if self._regions is not None:
                sure = [box for box in boxes if box.score >= SEEN_FROM]
                places = [(box.left, box.top, box.width, box.height) for box in sure]
                self._regions.found("", picture.at, places)
            yield SeenPicture(picture.at, picture.width, picture.height, True, boxes)

    def _where(self, taken: _Taken) -> list[Region]:
        if self._regions is None:
            return []
        at, size = taken.picture.at, (taken.picture.width, taken.picture.height)
        return self._regions.of("", at, taken.motion, size, self._finder.smallest)


def _taken(path: Path, look: Look, view: View) -> Iterator[_Taken]:
    """The pictures that the camera would have told of, with the JPEG of those that pass."""
    gate = MotionGate(*look.gate, view.masks) if look.gate else None
    sign_given = -SIGN_EVERY
    size: tuple[int, int] | None = None
    for at, frame in _paced(path, view.fps):
        if gate is not None and size not in (None, (frame.width, frame.height)):
            gate.restart()
        size = (frame.width, frame.height)
        looked = gate.look(small_gray(frame), at) if gate is not None else None
        if looked is not None and not looked.passes:
            if at - sign_given >= SIGN_EVERY:
                sign_given = at
                yield _Taken(SeenPicture(at, *size, False, None))
            continue
        if look.model is None:
            yield _Taken(SeenPicture(at, *size, True, None))
        elif encoded := encode_jpeg(frame, MOST_BYTES):
            jpeg, width, height = encoded
            motion = looked.boxes if looked is not None else ()
            yield _Taken(SeenPicture(at, width, height, True, None), jpeg, motion)


def _paced(path: Path, fps: float) -> Iterator[tuple[float, av.VideoFrame]]:
    """Pictures at the camera's rate, with the seconds since the first one; they rise."""
    stream = AvStream(str(path), "file")
    picker = RatePicker(fps)
    first: float | None = None
    last = -1.0
    try:
        for picture in stream.pictures():
            pts = _time(picture, path)
            first = pts if first is None else first
            at = round(pts - first, 3)
            if at > last and picker.takes(at):
                last = at
                yield at, picture.frame
    finally:
        stream.close()


def _time(picture: Picture, path: Path) -> float:
    if picture.pts is None:
        raise ConnectorError(
            f"the pictures of {path} have no times; put it into a container that has them:"
            f" ffmpeg -i {path.name} -c copy {path.stem}.mp4"
        )
    return picture.pts


def _epoch(made: str | None) -> float | None:
    if not made:
        return None
    try:
        at = datetime.fromisoformat(made).timestamp()
    except (ValueError, OverflowError):
        return None
    return at if at > 0 else None
