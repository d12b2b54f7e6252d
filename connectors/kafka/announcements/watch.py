"""What is to be said of the flows of a site, from what they announce, and from their silence."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.runtime.announcement import REMOVED, Announcement
from operators.events import Reading

LISTEN = 40.0
"""Seconds of listening after which a process of which nothing was heard is known to be silent."""
FORGET = 86_400.0
"""Seconds after which a process that was never heard again is no longer spoken of."""
EVALUATING = ("ok", "behind", "blind")
ENDED = ("stopped", REMOVED)
PREFIX = "vigie/"
"""Before the name of a process or machine, so that no device has the same."""


@dataclass
class _Process:
    said: Announcement
    alive: float
    is_heard: bool
    skew: float | None = None
    is_told: bool = False


class Watch:
    """All processes that announced themselves.

    It is told of each announcement and asked for readings now and then, both with the time of the
    clock of this machine. A process is silent from when it last said that it evaluates: one that is
    stopped as asked is not, and one that starts is not yet. Until something was heard of a process,
    or it could have been heard for `LISTEN` seconds, nothing is said of it.
    """

    def __init__(self, own: str) -> None:
        self._own = own
        self._processes: dict[str, _Process] = {}
        self._since = self._heard_own = 0.0

    def begin(self, now: float) -> None:
        """Listening begins, or begins again after nothing could be heard."""
        self._since = self._heard_own = now
        for process in self._processes.values():
            process.alive, process.is_heard, process.skew = now, False, None

    def is_deaf(self, now: float) -> bool:
        """Whether not even this process hears itself any more."""
        return now - self._heard_own > LISTEN

    def heard(self, said: Announcement, now: float, is_live: bool = True) -> None:
        """Take an announcement; one that is not `live` was there before listening began.

        What a process before this one said may come late, and counts no more. A clock that was set
        back makes nobody unheard.
        """
        known = self._processes.get(said.id)
        if known is not None and _is_late(said, known.said, is_live):
            return
        if said.flow == self._own and is_live:
            self._heard_own = now
        if known is None:
            if not is_live and now - said.at > FORGET:
                return
            known = self._processes[said.id] = _Process(said, now, is_live)
        if said.status != "starting" or known.said.status in ENDED:
            known.alive = now
        known.is_told = known.is_told and known.said.status == said.status
        known.said = said
        if is_live:
            known.is_heard, known.skew = True, said.at - now

    def readings(self, now: float) -> Iterator[Reading]:
        """The readings of this moment: of each process, and of the disk of each machine."""
        disks: dict[str, float] = {}
        for id, process in list(self._processes.items()):
            said = process.said
            silent = now - process.alive
            if silent > FORGET:
                del self._processes[id]
                continue
            yield from _of(process, now, silent if self._is_known(process, now) else None)
            process.is_told = True
            if said.disk is not None and said.status in EVALUATING and silent <= LISTEN:
                disks[said.host] = max(said.disk, disks.get(said.host, 0.0))
        for host, used in disks.items():
            yield _reading(host, now, "disk_used", 100 * used, "%", host=host)

    def _is_known(self, process: _Process, now: float) -> bool:
        return process.is_heard or now - self._since >= LISTEN


def _is_late(said: Announcement, known: Announcement, is_live: bool) -> bool:
    if not is_live:
        return said.at < known.at
    return said.since != known.since and 0 < known.at - said.at < LISTEN


def _of(process: _Process, now: float, silent: float | None) -> Iterator[Reading]:
    said = process.said
    labels = {"flow": said.flow, "host": said.host}
    if said.status in ENDED:
        if not process.is_told:
            for metric in ("unheard", "blind"):
                yield _reading(said.id, now, metric, 0.0, None, **labels)
            yield _reading(said.id, now, "sink_behind", 0.0, None, **labels)
        return
    if silent is not None:
        yield _reading(said.id, now, "unheard", round(silent, 1), None, **labels)
    if said.status not in EVALUATING or (silent or 0.0) > LISTEN:
        return  # what it said last is no longer so
    waits = ", ".join(said.waiting_for)
    is_blind = float(said.status == "blind")
    yield _reading(said.id, now, "blind", is_blind, None, **labels, waiting_for=waits)
    sink, age = _most(said.sink_age)
    yield _reading(said.id, now, "sink_behind", age, None, **labels, sink=sink)
    source, used = _most(said.retention)
    yield _reading(said.id, now, "retention_used", 100 * used, "%", **labels, source=source)
    if process.skew is not None:
        yield _reading(said.id, now, "clock_skew", round(process.skew, 3), None, **labels)


def _most(figures: Mapping[str, float]) -> tuple[str, float]:
    """The largest of some figures with its name; 0 of nothing."""
    items: Iterable[tuple[float, str]] = ((value, name) for name, value in figures.items())
    value, name = max(items, default=(0.0, ""))
    return name, value


def _reading(
    name: str, now: float, metric: str, value: float, unit: str | None, **labels: str
) -> Reading:
    subject = f"{PREFIX}{name}"
    return Reading(
        id=f"{subject}/{metric}/{now:.3f}",
        time=now,
        subject=subject,
        metric=metric,
        value=value,
        unit=unit,
        labels={key: text for key, text in labels.items() if text},
    )
