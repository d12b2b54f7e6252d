"""Events of several streams or partitions as one stream in the order of time."""

import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from operators.columnar.lazy import LazyEvents, as_list
from operators.events import AlarmTransition, Event, EventBatch

Given = list[tuple[str | None, list[Event]]]
"""What streams bring in one pass, each under its role."""


def by_time(given: Given) -> Given:
    """What several streams bring in one pass, as runs of one role in the order of time.

    So no result depends on where a batch was cut. Each stream keeps its own order, and alarms that
    of each one: the timers of several fire one after the other. At one instant, inputs with roles
    come before those without.
    """
    if len(given) < 2:
        return given
    keyed: list[tuple[float, bool, str | None, Event]] = []
    for role, events in given:
        newest: dict[tuple[str, str] | None, float] = {}
        for event in events:
            one = (event.rule, event.subject) if type(event) is AlarmTransition else None
            at = newest[one] = max(newest.get(one, -math.inf), event.time)
            keyed.append((at, role is None, role, event))
    keyed.sort(key=operator.itemgetter(0, 1))
    runs = itertools.groupby(keyed, key=operator.itemgetter(2))
    return [(role, [item[3] for item in run]) for role, run in runs]


def merged(lists: Sequence[Sequence[Event]]) -> list[Event]:
    """Lists as one in the order of time; each keeps its own order. One that is lazy stays so."""
    if len(lists) == 1 and isinstance(lists[0], LazyEvents):
        return cast(list[Event], lists[0])
    [(_, events)] = by_time([(None, as_list(events)) for events in lists])
    return EventBatch(events)


def gathered(lists: Iterable[list[Event]]) -> list[Event]:
    """Lists as one, one behind the other."""
    found = list(lists)
    return found[0] if len(found) == 1 else list(itertools.chain.from_iterable(found))


def with_arrivals(
    events: Sequence[Event], arrivals: Sequence[tuple[int, float]]
) -> Iterator[tuple[Event, float]]:
    """Each event with its own arrival; `arrivals` says how many arrived when."""
    return zip(
        events,
        itertools.chain.from_iterable(itertools.repeat(at, n) for n, at in arrivals),
        strict=True,
    )
