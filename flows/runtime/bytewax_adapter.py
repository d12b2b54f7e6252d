"""The dataflow of a flow in Bytewax: sources, one stateful step for the graph, sinks.

The item that travels is a batch, not an event. Each shard's graph is one keyed state. Source
positions, states of shards and flushed sinks belong to one epoch, so a crash goes back to one
consistent point, and at most one epoch is written again. Bytewax gets every state as bytes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.base import StatefulWriter, Writer, settle
from flows.dataflow.input_order import Arrival
from flows.dataflow.routing import ONE_SHARD
from flows.runtime.runtime_context import Input, RuntimeContext
from flows.runtime.saved_state.envelope import unwrap, wrap
from flows.runtime.saved_state.input_state import INPUT, WHOLE
from flows.runtime.shard_logic import ShardLogic
from flows.runtime.sources.reader import SourceReader
from operators.events import Event
from operators.model.saved_state import decode, encode

Item = tuple[str, tuple[str, list[Arrival]]]


def build(
    context: RuntimeContext, inputs: list[Input], sinks: Mapping[str, Callable[[], Writer]]
) -> Dataflow:
    """The dataflow of a plan: an input step per source, the graph, an output step per sink."""
    flow = Dataflow(context.plan.flow)
    streams = []
    for source in inputs:
        context.join(source)
        streams.append(op.input(f"{INPUT}{source.name}", flow, _Source(context, source)))
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
        return [WHOLE]

    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> SourceReader:
        return SourceReader(self._context, self._source, resume_state)


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
        self._context.may_write()
        for events in values:
            self._writer.write(events)
            self._context.passed(self._name, len(events))

    def snapshot(self) -> bytes:
        return wrap("sink", encode(settle(self._writer)))

    def close(self) -> None:
        self._context.close(self._writer)
