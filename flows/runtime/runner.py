"""Running one flow as one process: connections, receivers, the dataflow, and a clean end."""

import gc
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bytewax._bytewax import run_main
from bytewax.dataflow import Dataflow
from bytewax.recovery import (
    InconsistentPartitionsError,
    MissingPartitionsError,
    NoPartitionsError,
)

from connectors.base import ConnectorContext, ConnectorError, Health, Stopped, Writer
from connectors.camera.components import Rtsp
from connectors.config.site import Site
from connectors.kafka.connection import TopicConnection
from connectors.kafka.fencing.fence import Fence
from connectors.kafka.log.position import Position
from connectors.kafka.producer import Producer
from connectors.runtime.private_files import private_folder
from connectors.runtime.tracing.traces import open_traces
from connectors.s3.connection import ObjectStoreConnection
from flows.admin.evidence_sweeper import EvidenceSweeper
from flows.dataflow.compiler import ALARM_SINK, Compiled, NotRunnable
from flows.dataflow.routing import Misplaced, Router
from flows.language.field_values import Tables
from flows.language.model import Flow
from flows.runtime import outputs
from flows.runtime.alarm_metrics import AlarmFigures
from flows.runtime.bytewax_adapter import build
from flows.runtime.dead_letters import DeadLetters
from flows.runtime.disk_space import check_room
from flows.runtime.evidence import Evidence
from flows.runtime.inputs import Inputs
from flows.runtime.outbox.outbox import Outbox
from flows.runtime.page_announcer import announce_pages
from flows.runtime.partitioning import (
    Partitioning,
    cannot_be_shared,
    partition,
    shard_count,
)
from flows.runtime.runtime_context import RuntimeContext
from flows.runtime.saved_state import ending
from flows.runtime.saved_state.folder import OpenedState, StateFolder
from flows.runtime.saved_state.points import OUTBOX
from flows.runtime.shards import WHOLE, Share, StateError
from flows.runtime.sources.crossings import Crossings, told_before
from flows.runtime.sources.order_journal import OrderJournal
from flows.runtime.status import Metrics, make_health
from flows.vision.recordings import Recordings

log = logging.getLogger("vigie")

EPOCH = timedelta(seconds=1)
REFUSALS = (ConnectorError, Stopped, NotRunnable, StateError)
UNUSABLE = (InconsistentPartitionsError, MissingPartitionsError, NoPartitionsError)
SQLITE = "SqliteFailure"
"""Word of the panic in which the engine ends when its recovery store fails."""


@dataclass(frozen=True)
class RunOptions:
    """How this process runs its flow.

    `data` is the folder of saved states, `share` which of the flow's partitions it takes (others
    may take some later where it `is_shared`), `drop` the persisted ids whose state may be lost,
    `epoch` the time from one saved state to the next, `definition` the folder of the definition,
    `version` the beginning of its hash. `may_write` does not return where another process may run
    the flow by now; `fence` has the broker refuse what is written then all the same.
    `ends`: it is not to `run` but to `end`.
    """

    data: Path
    share: Share = WHOLE
    is_shared: bool = False
    drop: tuple[str, ...] = ()
    epoch: timedelta = EPOCH
    definition: Path = Path()
    version: str = ""
    may_write: Callable[[], None] = lambda: None
    fence: Fence | None = None
    ends: bool = False


class Runner:
    """One flow in this process.

    `run` returns when the flow was drained after a stop request, or its sources ended.
    """

    def __init__(
        self, flow: Flow, compiled: Compiled, site: Site, tables: Tables, options: RunOptions
    ) -> None:
        self._flow = flow
        self._compiled = compiled
        self._site = site
        self._tables = tables
        self._options = options
        self.stopping = threading.Event()
        self.on_running: Callable[[], None] = lambda: None
        """Called once it begins to evaluate."""
        self.on_shards: Callable[[int], None] = lambda count: None
        """Called with the number of its shards."""
        self.on_end: Callable[[], None] = lambda: None
        """Called before the connections are closed."""
        self.on_ended: Callable[[], None] = lambda: None
        """Called once `end` has written the end of the flow."""
        self.metrics = Metrics(flow.flow)
        self.health: Health = make_health(flow.flow, self.metrics)
        fence = options.fence
        self._broker = site.connection("redpanda", TopicConnection).fenced(fence)
        self._sinks_fence = fence and fence.of("sinks")
        self._traces = open_traces(site.traces, site.site, flow.flow)
        if self._traces is not None:
            self.metrics.traces(self._traces)
        self._context = RuntimeContext(
            compiled.plan,
            self.stopping,
            counted=self.metrics.counted_all,
            passed=self.metrics.passed,
            flush_refused=self._flush_refused,
            may_write=options.may_write,
            traces=self._traces,
        )
        self.source_progress = self._context.source_progress
        self.metrics.registry.register(self.source_progress)
        self._figures = AlarmFigures(
            flow.flow, shard_of=lambda subject: self._context.router.shard_of_subject(subject)
        )
        self._said: set[str] = set()
        self._folder = StateFolder(options.data / "flows" / flow.flow, flow.flow, options.share)
        self.producer = Producer(self._broker, self.health, "dead letters", stopping=self.stopping)
        self._letters = DeadLetters(
            compiled, self._broker, self.producer, self.metrics, self.stopping, self._traces
        )
        self._evidence = Evidence(flow, self._broker, self.producer, self.stopping)
        self.outbox = Outbox(
            compiled.outbox,
            self._context_with("outbox", self._broker),
            self._folder.path / OUTBOX,
            options.share,
        )
        self.metrics.registry.register(self.outbox)
        self._inputs = Inputs(
            flow,
            site,
            self._broker,
            self._letters,
            self.health,
            self._connector_context,
            options.definition,
        )

    @property
    def flow(self) -> str:
        """The name of the flow."""
        return self._flow.flow

    @property
    def share(self) -> Share:
        """Which of its partitions this process takes."""
        return self._options.share

    def recordings(self) -> Recordings | None:
        """What the flow's cameras record, for an api that has the keys of the object store."""
        is_watching = any(isinstance(one.settings, Rtsp) for one in self._flow.sources.values())
        if not is_watching or "minio" not in self._site.connections:
            return None
        store = self._site.connection("minio", ObjectStoreConnection)
        return Recordings(self._folder.path, store.secret_key.get_secret_value())

    def stop(self) -> None:
        """Ask for a drain: stop reading, make durable what was read, save the state."""
        self.stopping.set()

    def run(self) -> None:
        """Run until stopped; raises `ConnectorError`, `NotRunnable`, `StateError` or `Stopped`."""
        with self._opened() as (mine, opened):
            self._run(mine, opened)

    def end(self, patience: float) -> dict[str, float]:
        """End the flow, which does not run, for good: all its alarms end.

        A flow of its name that comes later goes on where it read, and with the numbers of its
        alarms. Returns how many records sinks had not got after `patience` seconds, by sink; these
        stay in their outboxes, and the next call waits for them. Raises like `run`.
        """
        with self._opened() as (mine, opened):
            writers = self.outbox.through(self._writers(opened), self._evidence.opened)
            left = ending.end(self._compiled.plan, opened.saved, writers)
            announce_pages(self._flow.model_copy(update={"pages": {}}), self._broker, self.producer)
            self.on_ended()
            self.producer.flush(self.stopping)
            self._folder.replace(mine.layout, left)
            self.outbox.start()
            self.outbox.end(patience)
            return self.outbox.left()

    @contextmanager
    def _opened(self) -> Iterator[tuple[Partitioning, OpenedState]]:
        """The partitions of this process, and their saved state; all is closed afterwards."""
        try:
            share, why_alone = self._options.share, cannot_be_shared(self._compiled)
            if why_alone is not None and share.count > 1:
                raise NotRunnable(
                    f"flow {self._flow.flow!r} cannot be shared out by --process: {why_alone}"
                )
            for folder in (self._options.data, self._options.data / "flows"):
                private_folder(folder)
            inputs = self._inputs.connect(self._compiled)
            saved = self._folder.shards()
            is_shared = self._options.is_shared or share.count > 1
            total = shard_count(self._compiled, inputs, saved, is_shared)
            self.on_shards(total if why_alone is None else 1)
            mine = partition(self._compiled, inputs, share, total, is_new=saved is None)
            if share.count > 1:
                context = self._context_with("crossings", self._broker)
                self._context.crossings = Crossings(context, self.producer)
            with self._folder.locked(mine.layout.shards):
                yield mine, self._folder.open(mine.layout, self._options.drop, self._told())
        finally:
            self._close()

    def _writers(self, opened: OpenedState) -> dict[str, Callable[[], Writer]]:
        return outputs.openers(
            self._compiled,
            self._broker.topic_names,
            self._letters,
            self._figures,
            self._connector_context,
            had_alarms=bool(opened.saved.figures),
        )

    def _journal(self, source: str) -> OrderJournal:
        share = self._options.share.name or "alone"
        return OrderJournal(self._folder.path / f"order-{source}-{share}")

    def _told(self) -> Mapping[tuple[str, str], Position]:
        crossings = self._context.crossings
        if crossings is None and self._folder.is_shared_out():
            return told_before(self._context_with("crossings", self._broker), self.producer)
        return {} if crossings is None else crossings.all()

    def _run(self, mine: Partitioning, opened: OpenedState) -> None:
        context, layout = self._context, mine.layout
        context.router = Router(
            layout.count, layout.shards, self._say_misplaced, is_mine=mine.is_mine
        )
        inputs = mine.inputs_with_others(opened.saved, self._told())
        context.ahead = opened.saved.ahead_of
        context.journal = self._journal
        context.router.partitions.update(layout.partitions)
        self._inputs.known = opened.known
        context.input, context.state = opened.saved.input, opened.saved.shard
        context.carried = opened.saved.carried
        for shard, figures in opened.saved.figures_by_shard().items():
            self._figures.restore_shard(shard, figures)
        if self._flow.pages or self._flow.alarms:
            announce_pages(self._flow, self._broker, self.producer)
        writers = self._writers(opened)
        if ALARM_SINK in writers:
            self.metrics.registry.register(self._figures)
        writers = self.outbox.through(writers, self._evidence.opened)
        dataflow = build(context, inputs, writers)
        self.outbox.start()
        self._inputs.start()
        if self._evidence.is_made:
            EvidenceSweeper(self._site, self.stopping).start()
        parts = sum(len(source.parts) for source in inputs if source.side is None)
        log.info(
            "%s: running, %d source partition%s",
            self._flow.flow, parts, "" if parts == 1 else "s",
        )  # fmt: skip
        collect_garbage_often()
        self.on_running()
        self._execute(dataflow, opened)

    def _execute(self, dataflow: Dataflow, opened: OpenedState) -> None:
        """Run the dataflow; raise what ended it without the engine's wrapping."""
        try:
            run_main(dataflow, epoch_interval=self._options.epoch, recovery_config=opened.recovery)
        except UNUSABLE as error:
            raise self._folder.unusable(opened.store, error) from error
        except BaseException as error:
            if SQLITE in str(error):
                raise self._folder.failed(opened.store, error) from error
            known = _find(error, REFUSALS)
            if known is None or known is error:
                raise
        else:
            known = self._context.close_error
            if known is None:
                self.outbox.end()
                return
        # the engine's wrapping leads back to it, in a circle
        known.__cause__ = known.__context__ = None
        raise known

    def _close(self) -> None:
        self.on_end()
        self.stopping.set()
        self._inputs.close()
        if self._context.crossings is not None:
            self._context.crossings.close()
        self._evidence.close()
        self.outbox.close()
        self.producer.close()
        if self._traces is not None:
            self._traces.close()

    def _connector_context(self, name: str, component: Any) -> ConnectorContext:
        model = component.CONNECTION
        connection = self._site.connection(component.connection, model) if model else None
        if isinstance(connection, TopicConnection):
            connection = connection.fenced(self._sinks_fence)
        return self._evidence.equip(self._context_with(name, connection))

    def _context_with(self, name: str, connection: Any) -> ConnectorContext:
        return ConnectorContext(
            flow=self._flow.flow,
            name=name,
            connection=connection,
            stopping=self.stopping,
            health=self.health,
            count=lambda word, n: self.metrics.counted(name, word, n),
            dead_letter=self._letters.refuse,
            flush_dead_letters=self._letters.flush,
            tables=self._tables,
            arrived=self._context.wakeup.arrived,
            timezone=self._site.zone,
            folder=self._folder.path / f"files-{self._options.share.number}",
            share=self._options.share.name,
            definition=self._options.version,
            traces=self._traces,
            is_last=self._options.ends,
        )

    def _say_misplaced(self, found: Misplaced) -> None:
        """Count what lies in another partition than its key says, and say it once for a topic."""
        self.metrics.counted(found.topic, "misplaced", found.count)
        if found.topic not in self._said:
            self._said.add(found.topic)
            log.warning(
                "%s: topic %s has records of %s in partition %d, expected in %d: they were written"
                " without the subject as their key, by another partitioner than Kafka's own"
                " (murmur2), or before partitions were added; each subject has one state all the"
                " same, but events of one that lie apart are in order by their time alone",
                self._flow.flow, found.topic, found.subject, found.partition, found.expected,
            )  # fmt: skip

    def _flush_refused(self) -> None:
        self._options.may_write()
        check_room(self._folder.path)
        self._inputs.check()
        self.outbox.check()
        self._letters.flush()


def collect_garbage_often() -> None:
    """Leave all that is there out of the garbage collection, so that it runs often.

    Python puts whole collections off until a quarter more objects are there, and meanwhile clients'
    requests, which refer to themselves, hold on to their buffers: over a hundred megabytes between
    two collections of a flow that writes to ClickHouse. What is left out makes them cheap.
    """
    gc.freeze()
    gc.collect()


def _find(error: BaseException, kinds: tuple[type[BaseException], ...]) -> BaseException | None:
    """The first of `kinds` in an error's chain of causes; the engine wraps what a part raises."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kinds):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
