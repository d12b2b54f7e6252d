"""Objects whose evidence is not complete yet, by the camera and track of their events."""

from collections.abc import Iterable

from connectors.s3.evidence_spool import Job
from operators.events import Detection, Event

FIRST, LAST = ("new", "entered"), ("left", "end")
"""Phases with which an object comes and goes, of the steps `track` and `zones`."""

Object = tuple[str, str, str | None]


class FollowedObjects:
    """Finds the job of an object; not thread-safe.

    Only an object's first event has evidence of its own: the others continue it or end it.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs: dict[Object, str] = {}
        for job in jobs:
            self.begin(job.event)

    def begin(self, event: Event) -> None:
        """Follow the object of an event, if it is the first one of an object."""
        one = object_of(event)
        if one is not None and getattr(event, "phase", None) in FIRST:
            self._jobs[one] = event.id

    def job_of(self, event: Event) -> str | None:
        """The event whose evidence an event continues or ends; None where there is none."""
        one = object_of(event)
        return None if one is None else self._jobs.get(one)

    def end(self, event: Event) -> None:
        """Forget the object of an event."""
        one = object_of(event)
        if one is not None:
            self._jobs.pop(one, None)


def object_of(event: Event) -> Object | None:
    """The object of an event of a track, in a zone if it is of a stay."""
    if isinstance(event, Detection) and event.track is not None:
        return event.subject, event.track, event.in_zone
    return None


def is_later(event: Event) -> bool:
    """Whether an event is not the first one of its object."""
    return object_of(event) is not None and getattr(event, "phase", None) not in (None, *FIRST)


def is_last(event: Event) -> bool:
    """Whether an event is the last one of its object."""
    return getattr(event, "phase", None) in LAST


def worth(event: Detection) -> float:
    """How good a picture of an object is: how surely and how large it is seen, and whether whole.

    What the edge of the picture cuts is worth half.
    """
    left, top, width, height = event.box
    is_cut = left <= 0.005 or top <= 0.005 or left + width >= 0.995 or top + height >= 0.995
    return event.score * width * height * (0.5 if is_cut else 1.0)
