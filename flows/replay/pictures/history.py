"""History from recordings: their pictures as the events that the flow would have had."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from connectors.base import ConnectorError
from flows.replay.merge import as_one
from flows.replay.pictures.known import Known, SeenPicture
from flows.replay.pictures.look import Look
from flows.replay.pictures.recordings import Recording, begins, recordings
from flows.replay.player import Piece
from operators.events import Event, Frame, Seen

if TYPE_CHECKING:
    from flows.replay.pictures.looking import Finder  # it loads OpenCV


class _Part(NamedTuple):
    camera: str
    path: Path
    begins: float
    seconds: float


class PictureHistory:
    """The pictures of recordings from `start` to before `end` (epoch seconds), camera by camera.

    A recording that does not say when it begins begins at `start`. Where two of a camera show the
    same time, the earlier one counts. What is no video is told to `warn` and left out, if it is
    one of several. `tell` is called while the model works; `files` and `pictures` count what it
    looked at, `known_files` those it did not have to look at. Raises `ConnectorError`.
    """

    def __init__(
        self,
        where: Path,
        look: Look,
        start: float,
        end: float,
        known: Known,
        warn: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._look, self._start, self._end = look, start, end
        self._known, self._warn = known, warn
        self._parts = self._opened(where)
        self._seconds = sum(part.seconds for part in self._parts)
        self._done: dict[Path, float] = {}
        self.tell: Callable[[], None] = lambda: None
        self.files = self.known_files = self.pictures = 0

    @property
    def share(self) -> float:
        """How much has been looked at, from 0 to 1."""
        return min(1.0, sum(self._done.values()) / self._seconds) if self._seconds else 1.0

    def pieces(self) -> Iterator[Piece]:
        """The events of all cameras in the order of time."""
        from flows.replay.pictures.looking import Finder

        finder = Finder(self._look)
        cameras = dict.fromkeys(part.camera for part in self._parts)
        return as_one([self._of(camera, finder) for camera in cameras]) if cameras else iter(())

    def _of(self, camera: str, finder: "Finder") -> Iterator[Piece]:
        newest = -math.inf
        for part in self._parts:
            if part.camera != camera:
                continue
            events = [
                event
                for event in self._events(part, finder)
                if event.time > newest and self._start <= event.time < self._end
            ]
            self._done[part.path] = part.seconds
            self.tell()
            if events:
                newest = events[-1].time
                yield Piece(events, [event.time for event in events])

    def _events(self, part: _Part, finder: "Finder") -> list[Event]:
        view = self._look.view(part.camera)
        labels = dict(view.labels)
        return [
            _frame(part.camera, part.begins, picture, labels)
            for picture in self._looked_at(part, finder)
        ]

    def _looked_at(self, part: _Part, finder: "Finder") -> list[SeenPicture]:
        from flows.replay.pictures.looking import look_at

        view = self._look.view(part.camera)
        key = self._known.key(part.path, self._look, view)
        self.files += 1
        pictures = self._known.get(key)
        if pictures is not None:
            self.known_files += 1
            return pictures

        def tell(at: float) -> None:
            self._done[part.path] = min(at, part.seconds)
            self.tell()

        pictures = look_at(part.path, self._look, view, finder, tell)
        self.pictures = finder.pictures
        self._known.put(key, pictures)
        return pictures

    def _opened(self, where: Path) -> list[_Part]:
        """The recordings that can lie in the time, in its order."""
        found = recordings(where, [view.name for view in self._look.views])
        parts, bad = [], 0
        for recording in found:
            try:
                parts.append(self._part(recording))
            except ConnectorError as error:
                if len(found) == 1 or isinstance(error, NoTime):
                    raise
                bad += 1
                self._warn(f"left out: {error}")
        if bad == len(found):
            raise ConnectorError(f"{where} holds no video that can be played")
        inside = [
            part
            for part in parts
            if part.begins < self._end
            and (part.begins + part.seconds >= self._start or not part.seconds)
        ]
        if len(inside) < len(parts):
            count = len(parts) - len(inside)
            files = "a recording is" if count == 1 else f"{count} recordings are"
            self._warn(f"{where}: {files} of another time")
        return sorted(inside, key=lambda part: (part.begins, part.path))

    def _part(self, recording: Recording) -> _Part:
        from flows.replay.pictures.looking import facts_of

        facts = facts_of(recording.path)
        begin = begins(recording, facts.made)
        if begin is None:
            begin = self._start
        if begin == -math.inf:
            raise NoTime(
                f"{recording.path} does not say when it begins; say it with --from, or call it"
                f" evt_YYYYMMDD_HHMMSS_{recording.camera}{recording.path.suffix} (in UTC)"
            )
        return _Part(recording.camera, recording.path, begin, facts.seconds)


class NoTime(ConnectorError):
    """Nothing says when a recording begins."""


def _frame(camera: str, begin: float, picture: SeenPicture, labels: dict[str, str]) -> Frame:
    time = round(begin + picture.at, 3)
    return Frame(
        id=f"{camera}/{round(time * 1000)}",
        time=time,
        subject=camera,
        width=picture.width,
        height=picture.height,
        moving=picture.moving,
        seen=None
        if picture.boxes is None
        else [
            Seen(class_=b.class_, score=b.score, box=(b.left, b.top, b.width, b.height))
            for b in picture.boxes
        ],
        labels=labels,
    )
