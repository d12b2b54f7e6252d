"""The one stateful step of the dataflow: the graph of a shard."""

import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from bytewax.operators import StatefulBatchLogic

from connectors.runtime import steady_clock
from flows.dataflow.alignment import in_order
from flows.dataflow.graph import Brought, Graph
from flows.dataflow.input_order import UNKNOWN, Arrival, Arrivals
from flows.dataflow.plan import COMMANDS, COMMANDS_ELSEWHERE
from flows.dataflow.routing import ONE_SHARD
from flows.dataflow.shard_state import ArrivalsState, dump, load
from flows.runtime.runtime_context import RuntimeContext
from flows.runtime.saved_state.envelope import unwrap, wrap
from flows.runtime.shards import StateError
from flows.runtime.tracing import Follower
from operators.events import Event

log = logging.getLogger("vigie")

FAR = 86_400.0
"""Seconds; Bytewax cannot wait for an instant that no calendar has."""

Outputs = list[tuple[str, list[Event]]]


class ShardLogic(StatefulBatchLogic[tuple[str, list[Arrival]], tuple[str, list[Event]], bytes]):
    """The graph of one shard, with its state.

    It takes (shard, arrivals) and gives (sink, events). Wall-clock time reaches the graph only once
    all source partitions of the shard have caught up.
    """

    def __init__(self, context: RuntimeContext, state: bytes | None) -> None:
        """Restore the shard from an envelope; raises `StateError` where it does not fit."""
        self._context = context
        self._graph = Graph(context.plan)
        self._graph.follow = None if context.traces is None else Follower(context.traces)
        self._shard = ONE_SHARD
        self._arrivals: Arrivals | None = None
        self._saved: ArrivalsState | None = None
        self._is_new = state is None
        if state is not None:
            self._restore(state)

    def on_batch(self, values: list[tuple[str, list[Arrival]]]) -> tuple[Outputs, bool]:
        """Take what arrived, as far as it is its turn."""
        out: Outputs = []
        for shard, together in values:
            arrivals = self._arrivals or self._begin(shard)
            ready: list[Arrival] = []
            for arrival in together:
                ready += arrivals.take(arrival, arrival.part in self._context.side_parts)
            for run in in_order(ready):
                self._process(run, out)
        return self._emit(out)

    def on_notify(self) -> tuple[Outputs, bool]:
        """Let the wall clock go on."""
        if self._is_waiting():
            return self._emit([])
        outputs = self._graph.tick(self._context.clock(), self._context.source_progress.silence)
        return self._emit(list(outputs.items()))

    def on_eof(self) -> tuple[Outputs, bool]:
        """Keep the state: sources do not end for good."""
        return [], StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """When the graph has to be woken next."""
        wake = None if self._is_waiting() else self._graph.next_wake()
        if wake is not None:
            wake = min(max(wake + steady_clock.now.offset, 0.0), time.time() + FAR)
        self._context.wakeup.due(self._shard, wake)
        return None if wake is None else datetime.fromtimestamp(wake, UTC)

    def snapshot(self) -> bytes:
        """The shard's state in an envelope."""
        arrivals = self._arrivals.snapshot() if self._arrivals else self._saved
        state = self._graph.snapshot(arrivals)
        clock = msgspec.structs.replace(state.clock, anchor=steady_clock.now.anchor())
        return wrap("shard", dump(msgspec.structs.replace(state, clock=clock)))

    def _is_waiting(self) -> bool:
        return self._arrivals is None or self._arrivals.is_waiting()

    def _restore(self, data: bytes) -> None:
        try:
            state = load(unwrap(data, "shard"))
            if state.clock.anchor is not None:
                steady_clock.now.resume(state.clock.anchor)
            self._graph.restore(state)
        except ValueError as error:
            raise StateError(
                f"flow {self._context.plan.flow!r} cannot go on from its saved state: {error}."
                " Run the version of Vigie that saved it, restore a backup, or move the flow's"
                " folder of saved states away to begin without memory"
            ) from error
        self._saved = state.arrivals
        if self._saved and self._graph.new_tables:
            known = {
                part: (
                    dict.fromkeys(rows, UNKNOWN)
                    if _source_of(part) in self._graph.new_tables
                    else rows
                )
                for part, rows in self._saved.known.items()
            }
            self._saved = msgspec.structs.replace(self._saved, known=known)

    def _begin(self, shard: str) -> Arrivals:
        self._shard = shard
        taken_over = self._context.state(shard) if self._is_new else None
        if taken_over is not None:
            self._restore(taken_over)
        data = self._context.parts_of_shard.get(shard, set())
        ahead = self._context.ahead(shard)
        self._arrivals = Arrivals(data, self._context.table_parts, ahead)
        if self._saved:
            self._arrivals.restore(self._saved)
        self._graph.expect(data)
        if self._context.router.is_shared:
            self._graph.own(lambda subject: self._context.router.shard_of_subject(subject) == shard)
        return self._arrivals

    def _process(self, run: list[Arrival], out: Outputs) -> None:
        """Take what partitions of one source brought together."""
        part, source, batch, _ = run[0]
        if source == COMMANDS and self._context.router.is_shared:
            for part, _, batch, _ in run:
                own, others = self._split(batch.events)
                out.extend(self._graph.feed(COMMANDS, own, batch.wall, part).items())
                out.extend(self._graph.feed(COMMANDS_ELSEWHERE, others, batch.wall, part).items())
            return
        for arrival in run:
            if arrival.batch.live and arrival.part not in self._context.side_parts:
                self._graph.caught_up(arrival.part, arrival.batch.wall)
        given: list[Brought] = [
            (part, batch.events, batch.wall, batch.arrivals, mark) for part, _, batch, mark in run
        ]
        out.extend(self._graph.feed_parts(source, given).items())

    def _split(self, commands: Iterable[Event]) -> tuple[list[Event], list[Event]]:
        """Split commands by whether this shard answers them in any case.

        It obeys the others only if it knows their subject.
        """
        own: list[Event] = []
        others: list[Event] = []
        for command in commands:
            subject: Any = getattr(command, "subject", "")
            is_own = self._context.router.shard_of_subject(subject) == self._shard
            (own if is_own else others).append(command)
        return own, others

    def _emit(self, out: Outputs) -> tuple[Outputs, bool]:
        counts = self._graph.take_counts()
        if counts:
            self._context.counted(counts)
            for note in self._graph.take_notes():
                log.warning(note)
        return out, StatefulBatchLogic.RETAIN


def _source_of(part: str) -> str:
    return part.partition(":")[0].removesuffix(".unlabelled")
