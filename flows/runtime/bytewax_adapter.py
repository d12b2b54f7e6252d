"""The adapter between a flow's plain objects and Bytewax: sources, one stateful step for the graph,
sinks, recovery.

The item that travels is a batch, not an event. Each shard's graph is one keyed state; source
positions, graph states and flushed sinks belong to one epoch, so a crash goes back to one
consistent point and at most one epoch is written again.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, runtime_checkable

import bytewax.operators as op
import msgspec
from bytewax.dataflow import Dataflow
from bytewax.inputs import AbortExecution, FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.base import Reader, Writer
from flows.dataflow.graph import Graph
from flows.dataflow.input_order import UNKNOWN, Arrival, Arrivals
from flows.dataflow.plan import COMMANDS, COMMANDS_ELSEWHERE, Outputs, Plan
from flows.dataflow.shard_state import ArrivalsState, dump, load
from flows.runtime.saved_state.envelope import unwrap, unwrap_position, wrap, wrap_position
from flows.runtime.shards import StateError
from flows.runtime.source_progress import SourceProgress
from operators.events import Event
from operators.model.saved_state import decode, encode

IDLE_WAIT = 0.01
DRAIN_SNAPSHOTS = 2
ONE_SHARD = "0"
FAR = 86_400.0
AT_ONCE = datetime.fromtimestamp(0, UTC)

Item = tuple[str, tuple[str, Arrival]]


class Wakeup:
    """Lets the worker sleep while nothing is ready; a reader's thread wakes it. It waits once all
    partitions, one after the other, had nothing: while one of them is busy, the others are asked in
    passing.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._parts = 0
        self._turn = 0

    def join(self) -> None:
        self._parts += 1

    def arrived(self) -> None:
        self._event.set()

    def busy(self) -> None:
        """A partition had something."""
        self._turn = 0

    def idle(self) -> None:
        """A partition had nothing."""
        self._turn = (self._turn + 1) % self._parts
        if self._turn == 0 and self._event.wait(IDLE_WAIT):
            self._event.clear()


class Drain:
    """Stops a running dataflow with its state saved: after a request no source reads on, and
    once every source partition has been snapshotted twice, all that was read is durable and
    execution is aborted.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self._snapshots: dict[str, int] = {}
        self.done = False

    def join(self, part: str) -> None:
        self._snapshots[part] = 0

    def snapshotted(self, part: str) -> None:
        if self._stopping.is_set():
            self._snapshots[part] += 1

    def requested(self) -> bool:
        if self._stopping.is_set() and min(self._snapshots.values()) > DRAIN_SNAPSHOTS:
            self.done = True
            raise AbortExecution()
        return self._stopping.is_set()


@dataclass
class Input:
    """A source of the running flow: its partitions (of this process's share) and how to open one at
    a position.

    A `side` input reaches every shard: a table, which is read whole before any data are, or
    people's commands. `can_hear` is False while what fills the source from outside cannot be
    reached.
    """

    name: str
    parts: list[str]
    open: Callable[[str, object | None], Reader]
    side: Literal["table", "commands"] | None = None
    can_hear: Callable[[], bool] = lambda: True


@dataclass
class Running:
    """What the parts of one running dataflow share.

    `settle` returns when what the sources refused is durable: a position after it must not be saved
    before.
    `home` names the shard to which a subject belongs by its key: it answers commands for subjects
    that nobody knows.
    `position` and `state` are what was taken over from other processes, for source partitions and
    shards that the recovery store does not know yet.
    """

    plan: Plan
    sharded: bool
    stopping: threading.Event
    wakeup: Wakeup = field(default_factory=Wakeup)
    counted: Callable[[Mapping[tuple[str, str], int]], None] = lambda counts: None
    passed: Callable[[str, int], None] = lambda name, n: None
    settle: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.time
    home: Callable[[str], str] = lambda subject: ONE_SHARD
    position: Callable[[str, str], Any] = lambda source, part: None
    state: Callable[[str], bytes | None] = lambda shard: None

    def __post_init__(self) -> None:
        self.drain = Drain(self.stopping)
        self.source_progress = SourceProgress(self.plan.flow)
        self.parts_of_shard: dict[str, set[str]] = {}
        self.sides: set[str] = set()
        self.tables: set[str] = set()
        self.unread: set[str] = set()
        self.close_error: BaseException | None = None

    def close(self, part: Reader | Writer) -> None:
        """Close a reader or a writer, and keep the first error: the engine closes them also while
        it passes on an error of another part, and a second one then would abort the process.
        """
        try:
            part.close()
        except BaseException as error:
            self.close_error = self.close_error or error

    def join(self, source: Input, part: str) -> None:
        """Make a source partition known before the dataflow runs."""
        id = f"{source.name}:{part}"
        self.wakeup.join()
        self.drain.join(id)
        if source.side is None:
            self.parts_of_shard.setdefault(self.shard_of(part), set()).add(id)
            return
        self.sides.add(id)
        if source.side == "table":
            self.tables.add(id)
            self.unread.add(id)

    def shard_of(self, part: str) -> str:
        return part.rpartition("/")[2] if self.sharded else ONE_SHARD

    def shards(self) -> list[str]:
        return list(self.parts_of_shard) or [ONE_SHARD]


def build(
    running: Running, inputs: list[Input], sinks: Mapping[str, Callable[[], Writer]]
) -> Dataflow:
    """The dataflow of a plan: an input step per source, the graph, an output step per sink."""
    flow = Dataflow(running.plan.flow)
    streams = []
    for source in inputs:
        for part in source.parts:
            running.join(source, part)
        streams.append(op.input(f"source_{source.name}", flow, _Source(running, source)))
    merged = op.merge("sources", *streams) if len(streams) > 1 else streams[0]
    results = op.stateful_batch("graph", merged, lambda state: _ShardLogic(running, state))
    for name, opener in sinks.items():
        picked = op.filter_map(f"for_{name}", results, _pick(name))
        op.output(f"sink_{name}", picked, _Sink(running, name, opener))
    return flow


def _pick(
    name: str,
) -> Callable[[tuple[str, tuple[str, list[Event]]]], tuple[str, list[Event]] | None]:
    return lambda item: (ONE_SHARD, item[1][1]) if item[1][0] == name else None


class _Source(FixedPartitionedSource[Item, bytes]):
    def __init__(self, running: Running, source: Input) -> None:
        self._running = running
        self._source = source

    def list_parts(self) -> list[str]:
        return self._source.parts

    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> "_SourcePart":
        return _SourcePart(self._running, self._source, for_part, resume_state)


class _SourcePart(StatefulSourcePartition[Item, bytes]):
    def __init__(self, running: Running, source: Input, part: str, saved: bytes | None) -> None:
        self._running = running
        self._name = source.name
        self._id = f"{source.name}:{part}"
        self._shards = running.shards() if source.side else [running.shard_of(part)]
        self._is_data = source.side is None
        self._can_hear = source.can_hear
        position = None if saved is None else unwrap_position(saved)
        self._reader = source.open(
            part, running.position(source.name, part) if position is None else position
        )
        if self._is_data:
            running.source_progress.open(
                self._id, source.name.removesuffix(".unlabelled"), self._reader
            )

    def next_batch(self) -> list[Item]:
        if self._running.drain.requested() or (self._is_data and self._running.unread):
            self._running.wakeup.idle()
            return []
        batch = self._reader.read()
        if batch is None:
            if self._is_data:
                self._running.source_progress.nothing(self._id, self._can_hear())
            self._running.wakeup.idle()
            return []
        self._running.wakeup.busy()
        if self._is_data and batch.events:
            self._running.source_progress.took(self._id, batch.wall)
        self._running.passed(self._name, len(batch.events))
        if batch.whole:
            self._running.unread.discard(self._id)
        arrival = Arrival(self._id, self._name, batch)
        return [(shard, (shard, arrival)) for shard in self._shards]

    def next_awake(self) -> datetime:
        """At once: `idle` has waited already, so Bytewax's own millisecond after an empty batch
        would only delay the next.
        """
        return AT_ONCE

    def snapshot(self) -> bytes:
        position = wrap_position(self._reader.position())
        self._running.settle()
        self._running.drain.snapshotted(self._id)
        return position

    def close(self) -> None:
        self._running.close(self._reader)


class _ShardLogic(StatefulBatchLogic[Any, Any, bytes]):
    """The graph of one shard. Wall-clock time reaches it only once all its source partitions
    have caught up.
    """

    def __init__(self, running: Running, state: bytes | None) -> None:
        self._running = running
        self._graph = Graph(running.plan)
        self._shard = ONE_SHARD
        self._arrivals: Arrivals | None = None
        self._saved: ArrivalsState | None = None
        self._is_new = state is None
        if state is not None:
            self._restore(state)

    def on_batch(
        self, values: list[tuple[str, Arrival]]
    ) -> tuple[list[tuple[str, list[Event]]], bool]:
        out: list[tuple[str, list[Event]]] = []
        for shard, arrival in values:
            arrivals = self._arrivals or self._begin(shard)
            for ready in arrivals.take(arrival, arrival.part in self._running.sides):
                self._process(ready, out)
        return self._emit(out)

    def on_notify(self) -> tuple[list[tuple[str, list[Event]]], bool]:
        outputs: Outputs = (
            {}
            if self._is_waiting()
            else self._graph.tick(self._running.clock(), self._running.source_progress.silence)
        )
        return self._emit(list(outputs.items()))

    def on_eof(self) -> tuple[list[tuple[str, list[Event]]], bool]:
        return [], StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        if self._is_waiting():
            return None
        wake = self._graph.next_wake()
        if wake is None:
            return None
        return datetime.fromtimestamp(min(max(wake, 0.0), time.time() + FAR), UTC)

    def snapshot(self) -> bytes:
        arrivals = self._arrivals.snapshot() if self._arrivals else self._saved
        return wrap("shard", dump(self._graph.snapshot(arrivals)))

    def _is_waiting(self) -> bool:
        return self._arrivals is None or self._arrivals.is_waiting()

    def _restore(self, data: bytes) -> None:
        try:
            state = load(unwrap(data, "shard"))
            self._graph.restore(state)
        except ValueError as error:
            raise StateError(
                f"flow {self._running.plan.flow!r} cannot go on from its saved state: {error}."
                " Run the version of Vigie that saved it, restore a backup, or move the flow's"
                " folder of saved states away to begin without memory"
            ) from error
        self._saved = state.arrivals
        if self._saved and self._graph.new_tables:
            known = {
                p: (
                    rows
                    if _source_of(p) not in self._graph.new_tables
                    else dict.fromkeys(rows, UNKNOWN)
                )
                for p, rows in self._saved.known.items()
            }
            self._saved = msgspec.structs.replace(self._saved, known=known)

    def _begin(self, shard: str) -> Arrivals:
        self._shard = shard
        taken = self._running.state(shard) if self._is_new else None
        if taken is not None:
            self._restore(taken)
        data = self._running.parts_of_shard.get(shard, set())
        self._arrivals = Arrivals(data, self._running.tables)
        if self._saved:
            self._arrivals.restore(self._saved)
        self._graph.expect(data)
        return self._arrivals

    def _process(self, arrival: Arrival, out: list[tuple[str, list[Event]]]) -> None:
        part, source, batch = arrival
        if source == COMMANDS and self._running.sharded:
            mine, others = self._apart(batch.events)
            out.extend(self._graph.feed(COMMANDS, mine, batch.wall, part).items())
            out.extend(self._graph.feed(COMMANDS_ELSEWHERE, others, batch.wall, part).items())
            return
        if batch.live and part not in self._running.sides:
            self._graph.caught_up(part)
        out.extend(self._graph.feed(source, batch.events, batch.wall, part, batch.arrivals).items())

    def _apart(self, commands: list[Event]) -> tuple[list[Event], list[Event]]:
        """Commands this shard answers in any case, and those it obeys only if it knows their
        subject.
        """
        home = [
            self._running.home(getattr(command, "subject", "")) == self._shard
            for command in commands
        ]
        mine = [command for command, is_mine in zip(commands, home, strict=True) if is_mine]
        return mine, [
            command for command, is_mine in zip(commands, home, strict=True) if not is_mine
        ]

    def _emit(
        self, out: list[tuple[str, list[Event]]]
    ) -> tuple[list[tuple[str, list[Event]]], bool]:
        counts = self._graph.take_counts()
        if counts:
            self._running.counted(counts)
        return out, StatefulBatchLogic.RETAIN


def _source_of(part: str) -> str:
    return part.partition(":")[0].removesuffix(".unlabelled")


@runtime_checkable
class Remembers(Protocol):
    """A writer with a state that belongs to the epoch, as plain data."""

    def snapshot(self) -> object: ...

    def restore(self, state: Any) -> None: ...


class _Sink(FixedPartitionedSink[list[Event], bytes]):
    def __init__(self, running: Running, name: str, opener: Callable[[], Writer]) -> None:
        self._running = running
        self._name = name
        self._opener = opener

    def list_parts(self) -> list[str]:
        return [ONE_SHARD]

    def build_part(self, step_id: str, for_part: str, resume_state: bytes | None) -> "_SinkPart":
        writer = self._opener()
        state = None if resume_state is None else decode(unwrap(resume_state, "sink"))
        if state is not None and isinstance(writer, Remembers):
            writer.restore(state)
        return _SinkPart(self._running, self._name, writer)


class _SinkPart(StatefulSinkPartition[list[Event], bytes]):
    def __init__(self, running: Running, name: str, writer: Writer) -> None:
        self._running = running
        self._name = name
        self._writer = writer

    def write_batch(self, values: list[list[Event]]) -> None:
        for events in values:
            self._writer.write(events)
            self._running.passed(self._name, len(events))

    def snapshot(self) -> bytes:
        self._writer.flush()
        state = self._writer.snapshot() if isinstance(self._writer, Remembers) else None
        return wrap("sink", encode(state))

    def close(self) -> None:
        self._running.close(self._writer)
