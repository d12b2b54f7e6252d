"""What a replay's streams say of objects: who was where on which camera, from when to when."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from flows.language.model import Flow
from flows.language.upstream import upstream
from flows.replay.episodes import Episode
from operators.events import Detection, Event
from operators.vision.track import Track
from operators.vision.zones import Zones

NEAR = 2.0
"""Seconds that two stays may lie apart and still be one that moved."""
_BEGINS = {"new", "entered"}
_ENDS = {"end", "left"}
_INSTANTS = {"loitering", "crossed"}


def telling(flow: Flow, sources: Collection[str]) -> tuple[str, ...]:
    """The streams that say of a camera source's objects where they are.

    Those are the streams with the step `zones`, and those with `track` whose objects no `zones`
    reads.
    """
    zoned, tracked = [], []
    for name, stream in flow.streams.items():
        if not upstream(flow, name).intersection(sources):
            continue
        kinds = {type(step.settings) for step in stream.steps}
        if Zones in kinds:
            zoned.append(name)
        elif Track in kinds:
            tracked.append(name)
    read = {above for name in zoned for above in upstream(flow, name)}
    return (*zoned, *(name for name in tracked if name not in read))


class Stays:
    """Takes detections of streams; each stay is an episode of its camera, without a priority.

    What was over before `start` is forgotten.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        self._open: dict[tuple[str, str, str], Episode] = {}
        self._done: list[Episode] = []

    def see(self, stream: str, events: Iterable[Event]) -> None:
        """Take note of what a stream gave."""
        for event in events:
            if isinstance(event, Detection):
                self._take(stream, event)

    def _take(self, stream: str, event: Detection) -> None:
        key = stream, event.track or event.id, event.in_zone or ""
        if event.phase in _INSTANTS:
            self._keep(replace(_episode(stream, event), cleared=event.time))
        elif event.phase in _BEGINS:
            self._open[key] = _episode(stream, event)
        elif event.phase in _ENDS and key in self._open:
            self._keep(replace(self._open.pop(key), cleared=event.time))

    def _keep(self, stay: Episode) -> None:
        if stay.cleared is not None and stay.cleared >= self._start:
            self._done.append(stay)

    def all(self) -> list[Episode]:
        """Every one so far, in the order of time."""
        found = (*self._done, *self._open.values())
        return sorted(found, key=lambda stay: (stay.raised, stay.rule, stay.subject))


def _episode(stream: str, event: Detection) -> Episode:
    words = [f"{stream}:", event.class_]
    if event.phase == "loitering":
        words.append("loitering")
    if event.in_zone:
        words += ["in", event.in_zone]
    if event.line:
        words += ["across", event.line, "to the", event.direction or "other side"]
    name = " ".join(words)
    return Episode(
        name, name, event.subject, event.time, None, "", False, value=event.score,
        page=event.labels.get("page"), reason=event.phase,
    )  # fmt: skip
