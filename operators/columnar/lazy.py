"""Events that are columns until somebody asks for the events: what every reader may know of them.

It is apart from the columns themselves, so that who only passes them on does not load numpy.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, overload

from operators.events import Event, EventBatch


class LazyEvents(Sequence[Event]):
    """Readings that travel together; an object of each is made when it is asked for."""

    newest: float
    """The time of the newest."""
    times: Sequence[float]
    are_readings = False
    """Whether they are columns of readings, and not rows of a table."""

    def made(self) -> EventBatch:
        """Return all as events, made once."""
        raise NotImplementedError

    def one(self, place: int) -> Event:
        """Return the event at a place from 0 on."""
        raise NotImplementedError

    def take(self, places: Any) -> "LazyEvents":
        """Return those at these places (numbers, or a slice), in their order, still as columns."""
        raise NotImplementedError

    def subjects(self) -> Iterable[str]:
        """Return all subjects, of which any may come again."""
        raise NotImplementedError

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | Sequence[Event]:
        if isinstance(place, slice):
            return self.take(place)
        return self.one(range(len(self))[place])

    def __iter__(self) -> Iterator[Event]:
        return iter(self.made())


def as_list(events: Sequence[Event]) -> list[Event]:
    """Return events as a list, whatever they are."""
    if isinstance(events, LazyEvents):
        return events.made()
    return events if isinstance(events, list) else list(events)


def those_at(events: Sequence[Event], places: list[int]) -> list[Event]:
    """Return the events at these places, in their order."""
    if isinstance(events, LazyEvents):
        return events.take(places).made() if places else []
    return [events[place] for place in places]


def last_time(events: Sequence[Event]) -> float:
    """Return the time of the last event."""
    return float(events.times[-1]) if isinstance(events, LazyEvents) else events[-1].time


def newest_time(events: Sequence[Event]) -> float:
    """Return the time of the newest event."""
    if isinstance(events, LazyEvents):
        return events.newest
    return max([event.time for event in events])


def first_later(events: Sequence[Event], time: float) -> int:
    """Return the place of the first event later than `time`, of events in the order of time."""
    if isinstance(events, LazyEvents):
        return bisect_right(events.times, time)
    return bisect_right(events, time, key=attrgetter("time"))
