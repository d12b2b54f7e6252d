"""A flow on a virtual clock, without engine and without sleeping, for tests and replay."""

import math
from collections.abc import Callable, Mapping, Sequence

from flows.dataflow.graph import Graph
from flows.dataflow.plan import Outputs, Plan
from flows.dataflow.shard_state import dump, load
from operators.component import Due, Logic
from operators.events import Event

MOST_AT_ONE_INSTANT = 1000
"""So many times the graph may ask to be woken at one instant; more is a step that never lets go
of a deadline.
"""


class Playback:
    """One shard of a plan whose clock moves only when it is told to.

    `collect` gets what each call gives, as `{sink: events}`. `now` is the virtual time in epoch
    seconds.

        playback = Playback(plan, start, collect)
        playback.advance(at)                     # all timers before `at`, each at its own instant
        playback.feed("readings", events, at)    # events that arrive together at `at`

    Like a flow that catches up, a batch may hold events of a long span: `at` is then the time of
    the newest.
    """

    def __init__(self, plan: Plan, start: float, collect: Callable[[Outputs], None]) -> None:
        self._plan = plan
        self._graph = Graph(plan)
        self._collect = collect
        self.now = start
        self._coming = math.inf
        self._give(self._graph.tick(start))

    def feed(self, source: str, events: list[Event], at: float) -> None:
        """Take events of a source that arrive at `at`; an `at` before `now` is taken as `now`."""
        self.now = max(self.now, at)
        self._give(self._graph.feed(source, events, self.now))

    def feed_together(self, given: Sequence[tuple[str, Sequence[Event], float]]) -> None:
        """Take what several sources brought since `now`: (source, events, time of the last)."""
        self.now = max(self.now, *(at for _, _, at in given))
        self._give(self._graph.feed_together(given))

    def coming(self, time: float) -> None:
        """Say of which time the oldest event is that will still be fed, if it comes late."""
        self._coming = time
        self._graph.coming(time)

    def next_due(self) -> Due:
        """The earliest deadline of all steps on each clock."""
        return self._graph.next_due()

    def advance(self, to: float) -> None:
        """Let time pass up to `to`, firing every timer at the instant it is due."""
        woken = 0
        while (wake := self._graph.next_wake()) is not None and wake < to:
            if wake > self.now:
                self.now, woken = wake, 0
            elif woken == MOST_AT_ONE_INSTANT:
                raise RuntimeError(
                    f"a step of flow {self._plan.flow!r} asks for the same instant {self.now} for"
                    " ever"
                )
            woken += 1
            self._give(self._graph.tick(self.now))
        self.now = max(self.now, to)
        self._give(self._graph.tick(self.now))

    def restart(self, plan: Plan | None = None) -> None:
        """Stop, save the state, load it anew, go on: under another plan, if one is given."""
        saved = dump(self._graph.snapshot())
        self._plan = plan or self._plan
        self._graph = Graph(self._plan)
        self._graph.restore(load(saved))
        self._graph.coming(self._coming)
        if plan is not None:
            self._give(self._graph.tick(self.now))

    def logic(self, identity: str) -> Logic:
        """The running logic of the step saved under `identity`; raises KeyError."""
        return self._graph.logic(identity)

    def take_counts(self) -> Mapping[tuple[str, str], int]:
        """What was counted since the last call, by (step or source, word)."""
        return self._graph.take_counts()

    def _give(self, outputs: Outputs) -> None:
        if outputs:
            self._collect(outputs)
