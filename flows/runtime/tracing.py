"""The parts of an event's way inside a flow: received, read from its topic, taken by steps."""

import bisect
import itertools
from collections.abc import Callable

from connectors.base import Batch, Tracing
from connectors.runtime.tracing.traces import begun, with_trace
from flows.dataflow.plan import Take
from operators.component import Logic, Now
from operators.events import Event


def receive(
    traces: Tracing, topic: str, event: Event, durable: Callable[[], None]
) -> Callable[[], None]:
    """Follow, if it is drawn, what came in and goes to a topic; what to call once it is there."""
    if not traces.drawn([event]):
        return durable
    parent, began = event.trace, traces.clock()
    id = event.trace = begun(parent)

    def stored() -> None:
        traces.span(f"receive {topic}", parent, began, traces.clock(), "consumer", id)
        durable()

    return stored


def read(traces: Tracing, source: str, batch: Batch, are_new: bool) -> None:
    """Follow events that were read; where they `are_new`, also those that are drawn now."""
    events = batch.events
    followed = traces.drawn(events) if are_new else with_trace(events)
    if not followed:
        return
    arrivals = batch.arrivals or ((len(events), batch.wall),)
    ends = list(itertools.accumulate(count for count, _ in arrivals))
    now = traces.clock()
    for number in followed:
        event, (_, arrival) = events[number], arrivals[bisect.bisect(ends, number)]
        event.trace = traces.span(
            f"read {source}", event.trace, min(arrival, now), now, "consumer", event=event.id
        )


class Follower:
    """Follows events through the steps of a graph.

    What a step makes when it takes an event is of that event's trace: each is given to it alone,
    which changes no result.
    """

    def __init__(self, traces: Tracing) -> None:
        self._traces = traces

    def __call__(
        self, step: str, logic: Logic, take: Take, events: list[Event], now: Now
    ) -> list[Event]:
        """What a step makes of events."""
        followed = with_trace(events)
        if not followed:
            return take(events, now)
        made: list[Event] = []
        done = 0
        for number in followed:
            if number > done:
                made += take(events[done:number], now)
            made += self._one(step, logic, take, events[number], now)
            done = number + 1
        if done < len(events):
            made += take(events[done:], now)
        return made

    def _one(self, step: str, logic: Logic, take: Take, event: Event, now: Now) -> list[Event]:
        refused, began = len(logic.errors), self._traces.clock()
        made = take([event], now)
        self._traces.span(step, event.trace, began, self._traces.clock())
        for one in (*made, *logic.errors[refused:]):
            one.trace = one.trace or event.trace
        return made
