"""When nobody looked at a camera's pictures, though there were some."""

from dataclasses import dataclass
from typing import NamedTuple

LONG = 3.0
"""Seconds from which on it is told: who passes in less is seldom seen as it is."""


class Span(NamedTuple):
    """From when until when, in epoch seconds."""

    begin: float
    end: float


@dataclass(slots=True)
class _Run:
    begin: float
    end: float
    told: float | None = None
    """Its end as it was told last."""

    def span(self) -> Span | None:
        """What of it is to be told now; None if nothing is."""
        if self.end - self.begin < LONG or self.end == self.told:
            return None
        self.told = self.end
        return Span(self.begin, self.end)


class MissedPictures:
    """Runs of pictures, by camera, between which none was looked at.

    Pure; times are those of the pictures. A run ends with the first picture that is looked at, or
    where no more are missed from one `tick` to the next.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._told: set[str] = set()

    def missed(self, camera: str, time: float) -> None:
        """Nobody will look at a picture."""
        run = self._runs.get(camera)
        if run is None:
            self._runs[camera] = _Run(time, time)
        else:
            run.begin, run.end = min(run.begin, time), max(run.end, time)

    def looked(self, camera: str, time: float) -> Span | None:
        """A picture was looked at; the span that is to be told of the run which it ends."""
        run = self._runs.get(camera)
        if run is None or time < run.begin:
            return None
        del self._runs[camera]
        if time < run.end:  # what came after it was missed, too
            self._runs[camera] = _Run(time, run.end)
            run.end = time
        return self._tell(camera, run)

    def tick(self) -> tuple[dict[str, Span], list[str]]:
        """What is to be told of runs that go on, and the cameras whose runs are over since."""
        spans = {}
        for camera, run in list(self._runs.items()):
            if span := self._tell(camera, run):
                spans[camera] = span
            elif run.told is not None or run.end - run.begin < LONG:
                del self._runs[camera]
        over = sorted(self._told - set(self._runs) - set(spans))
        self._told.difference_update(over)
        return spans, over

    def _tell(self, camera: str, run: _Run) -> Span | None:
        span = run.span()
        if span is not None:
            self._told.add(camera)
        return span
