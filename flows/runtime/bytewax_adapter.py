"""The dataflow of a flow in Bytewax: sources, one stateful step for the graph, sinks.

The item that travels is a batch, not an event. Each shard's graph is one keyed state. Source
positions, states of shards and flushed sinks belong to one epoch, so a crash goes back to one
consistent point, and at most one epoch is written again. Bytewax gets every state as bytes.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.base import Batch, StatefulWriter, Writer, settle
from connectors.runtime import steady_clock
from flows.dataflow.input_order import Arrival
from flows.runtime.runtime_context import ONE_SHARD, Input, RuntimeContext
from flows.runtime.saved_state.envelope import unwrap, unwrap_position, wrap, wrap_position
from flows.runtime.shard_logic import ShardLogic
from operators.events import Event
from operators.model.saved_state import decode, encode

AT_ONCE = datetime.fromtimestamp(0, UTC)

Item = tuple[str, tuple[str, Arrival]]


def build(
    context: RuntimeContext, inputs: list[Input], sinks: Mapping[str, Callable[[], Writer]]
) -> Dataflow:
    """The dataflow of a plan: an input step per source, the graph, an output step per sink."""
    flow = Dataflow(context.plan.flow)
    streams = []
    for source in inputs:
        for part in source.parts:
            context.join(source, part)
        streams.append(op.input(f"source_{source.name}", flow, _Source(context, source)))
    merged = op.merge("sources", *streams) if len(streams) > 1 else streams[0]
    results = op.stateful_batch("graph", merged, lambda state: ShardLogic(context, state))
    for name, opener in sinks.items():
        picked = op.filter_map(f"for_{name}", results, _pick(name))
        op.output(f"sink_{name}", picked, _Sink(context, name, opener))
    return flow


def _pick(
    name: str,
) -> Callable[[tuple[str, tuple[str, list[Event]]]], tuple[str, list[Event]] | None]:
    return lambda item: (ONE_SHARD, item[1][1]) if item[1][0] == name else None


class _Source(FixedPartitionedSource[Item, bytes]):
    def __init__(self, context: RuntimeContext, source: Input) -> None:
        self._context = context
        self._source = source

    def list_parts(self) -> list[str]:
        return self._source.parts

    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> "_SourcePart":
        return _SourcePart(self._context, self._source, for_part, resume_state)


class _SourcePart(StatefulSourcePartition[Item, bytes]):
    def __init__(
        self, context: RuntimeContext, source: Input, part: str, saved: bytes | None
    ) -> None:
        self._context = context
        self._name = source.name
        self._id = f"{source.name}:{part}"
        self._shards = context.shards() if source.side else [context.shard_of(part)]
        self._is_data = source.side is None
        self._is_reachable = source.is_reachable
        self._offset = steady_clock.now.offset
        position = None if saved is None else unwrap_position(saved)
        self._reader = source.open(
            part, context.position(source.name, part) if position is None else position
        )
        if self._is_data:
            context.source_progress.add(
                self._id, source.name.removesuffix(".unlabelled"), self._reader
            )

    def next_batch(self) -> list[Item]:
        context = self._context
        if context.drain.requested() or (self._is_data and context.unread_tables):
            context.wakeup.idle()
            return []
        batch = self._reader.read()
        if batch is None:
            if self._is_data:
                context.source_progress.idle(self._id, self._is_reachable())
            context.wakeup.idle()
            return self._woken()
        context.wakeup.busy()
        if self._is_data and batch.events:
            context.source_progress.received(self._id, batch.wall)
        context.passed(self._name, len(batch.events))
        if batch.whole:
            context.unread_tables.discard(self._id)
        arrival = Arrival(self._id, self._name, batch)
        return [(shard, (shard, arrival)) for shard in self._shards]

    def _woken(self) -> list[Item]:
        """Nothing, for the shards to set their timers anew, once the host's clock has jumped.

        Bytewax waits for an instant of that clock.
        """
        offset = steady_clock.now.offset
        if not self._is_data or abs(offset - self._offset) <= steady_clock.TOLERATED:
            return []
        self._offset = offset
        arrival = Arrival(self._id, self._name, Batch([], self._context.clock(), False))
        return [(shard, (shard, arrival)) for shard in self._shards]

    def next_awake(self) -> datetime:
        """At once.

        `Wakeup` has waited already, and Bytewax's own millisecond after an empty batch would only
        delay the next.
        """
        return AT_ONCE

    def snapshot(self) -> bytes:
        position = wrap_position(self._reader.position())
        self._context.flush_refused()
        self._context.drain.snapshotted(self._id)
        return position

    def close(self) -> None:
        self._context.close(self._reader)


class _Sink(FixedPartitionedSink[list[Event], bytes]):
    def __init__(
        self, context: RuntimeContext, name: str, open_writer: Callable[[], Writer]
    ) -> None:
        self._context = context
        self._name = name
        self._open_writer = open_writer

    def list_parts(self) -> list[str]:
        return [ONE_SHARD]

    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> "_SinkPart":
        writer = self._open_writer()
        state: Any = self._context.carried(self._name)
        if resume_state is not None:
            state = decode(unwrap(resume_state, "sink"))
        if state is not None and isinstance(writer, StatefulWriter):
            writer.restore(state)
        return _SinkPart(self._context, self._name, writer)


class _SinkPart(StatefulSinkPartition[list[Event], bytes]):
    def __init__(self, context: RuntimeContext, name: str, writer: Writer) -> None:
        self._context = context
        self._name = name
        self._writer = writer

    def write_batch(self, values: list[list[Event]]) -> None:
        for events in values:
            self._writer.write(events)
            self._context.passed(self._name, len(events))

    def snapshot(self) -> bytes:
        return wrap("sink", encode(settle(self._writer)))

    def close(self) -> None:
        self._context.close(self._writer)
