"""Running one flow as one process: connections, receivers, the dataflow, and a clean end."""

import gc
import logging
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bytewax._bytewax import run_main
from bytewax.recovery import (
    InconsistentPartitionsError,
    MissingPartitionsError,
    NoPartitionsError,
)

from connectors.base import (
    ConnectorContext,
    ConnectorError,
    Health,
    PushSource,
    Reader,
    Receiver,
    Source,
    Stopped,
    Writer,
)
from connectors.config.site import Site
from connectors.kafka.admin import partition_of
from connectors.kafka.components import Topic, TopicSink
from connectors.kafka.connection import TopicConnection
from connectors.kafka.packing import key_of, why_too_large
from connectors.kafka.producer import Producer
from connectors.runtime.private_files import private_folder
from flows.dataflow.compiler import (
    ALARM_SINK,
    ANSWER_SINK,
    DEAD_SINK,
    Compiled,
    CompiledSink,
    NotRunnable,
    Tables,
    is_table,
    raw_name,
)
from flows.dataflow.plan import COMMANDS
from flows.language.model import Flow
from flows.runtime.alarm_metrics import AlarmWatch, WatchedWriter
from flows.runtime.bytewax_adapter import Input, Running, build
from flows.runtime.dead_letter_size import line_of
from flows.runtime.page_announcer import announce_pages
from flows.runtime.saved_state.folder import Opened, StateFolder, StateLayout
from flows.runtime.shards import WHOLE, Share, StateError
from flows.runtime.status import Metrics, make_health
from operators.events import DeadLetter, Event, Message, encode_lines

log = logging.getLogger("vigie")

EPOCH = timedelta(seconds=1)
LONGEST_KEY = 256
REFUSALS = (ConnectorError, Stopped, NotRunnable, StateError)
UNUSABLE = (InconsistentPartitionsError, MissingPartitionsError, NoPartitionsError)
SQLITE = "SqliteFailure"
"""Word of the panic in which the engine ends when its recovery store fails."""


@dataclass(frozen=True)
class RunOptions:
    """How this process runs its flow: which share of its partitions, and persisted ids to
    forget, `drop`.
    """

    data: Path
    share: Share = WHOLE
    drop: tuple[str, ...] = ()
    epoch: timedelta = EPOCH


class Runner:
    """One flow in this process. `run` returns when it was drained after a stop request, or its
    sources ended.
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
        self.metrics = Metrics(flow.flow)
        self._watch = AlarmWatch(flow.flow, home=lambda subject: self._running.home(subject))
        self.health: Health = make_health(flow.flow, self.metrics)
        self._broker: TopicConnection = site.connection("redpanda", TopicConnection)
        self._running = Running(
            compiled.plan,
            compiled.sharded,
            self.stopping,
            counted=self.metrics.counted_all,
            passed=self.metrics.passed,
            settle=self._settle,
        )
        self.source_progress = self._running.source_progress
        self.metrics.registry.register(self.source_progress)
        self._folder = StateFolder(options.data / "flows" / flow.flow, flow.flow, options.share)
        self._known: frozenset[str] = frozenset()
        self._dead = Producer(self._broker, self.health, "dead letters", stopping=self.stopping)
        self._dead_topic = self._broker.topic_names.dead_letters(flow.flow)
        self._receivers: list[tuple[Receiver, Producer]] = []

    def stop(self) -> None:
        """Ask for a drain: stop reading, make durable what was read, save the state."""
        self.stopping.set()

    def run(self) -> None:
        """Run until stopped; raises `ConnectorError`, `NotRunnable`, `StateError` or `Stopped`."""
        try:
            if self._options.share.count > 1 and not self._compiled.sharded:
                raise NotRunnable(
                    f"flow {self._flow.flow!r} cannot be shared out by --process: all its sources"
                    " must be topics, and no step may bring several subjects together; run it as"
                    " one process"
                )
            for folder in (self._options.data, self._options.data / "flows"):
                private_folder(folder)
            inputs = self._inputs()
            layout, mine = self._layout(inputs)
            with self._folder.held(layout.shards):
                self._run(mine, self._folder.open(layout, self._options.drop))
        finally:
            self._close()

    def _run(self, inputs: list[Input], opened: Opened) -> None:
        self._known = opened.known
        self._running.position, self._running.state = opened.taken.position, opened.taken.shard
        for shard, figures in opened.taken.figures_by_shard().items():
            self._watch.restore_shard(shard, figures)
        try:
            if self._flow.pages or self._flow.alarms:
                announce_pages(self._flow, self._broker, self._dead)
            dataflow = build(self._running, inputs, self._writers())
            for receiver, _ in self._receivers:
                receiver.start()
            parts = sum(len(source.parts) for source in inputs if source.side is None)
            log.info(
                "%s: running, %d source partition%s",
                self._flow.flow,
                parts,
                "" if parts == 1 else "s",
            )
            look_at_garbage_often()
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
            known = self._running.close_error
            if known is None:
                return
        # the engine's wrapping leads back to it, in a circle
        known.__cause__ = known.__context__ = None
        raise known

    def _layout(self, inputs: list[Input]) -> tuple[StateLayout, list[Input]]:
        """What the saved state must fit, and the inputs with this process's partitions only."""
        share = self._options.share
        data = [source for source in inputs if source.side is None]
        counts = Counter(
            part.rpartition("/")[0] for source in data for part in source.parts if "/" in part
        )
        sharded = self._compiled.sharded and len(set(counts.values())) == 1
        if share.count > 1 and not sharded:
            raise NotRunnable(
                f"flow {self._flow.flow!r} cannot be shared out by --process: its topics have"
                " different numbers of partitions"
                f" ({', '.join(f'{topic} {count}' for topic, count in counts.items())}), so the"
                " events of one subject would reach different processes; give them equal numbers,"
                " or run the flow as one process"
            )
        shards = (
            [number for number in range(next(iter(counts.values()))) if share.has(number)]
            if sharded
            else [0]
        )
        if not shards:
            raise NotRunnable(
                f"--process {share}: the topics have only {next(iter(counts.values()))} partitions"
            )
        self._running.sharded = sharded
        if sharded:
            total = next(iter(counts.values()))
            self._running.home = lambda subject: str(partition_of(subject, total))
            data = [
                replace(source, parts=[part for part in source.parts if share.has(_number(part))])
                for source in data
            ]
        layout = StateLayout(
            tuple(self._compiled.plan.identities()),
            sharded,
            tuple(str(number) for number in shards),
            {source.name: source.parts for source in data},
            counts,
        )
        return layout, [*data, *(source for source in inputs if source.side is not None)]

    def _close(self) -> None:
        self.stopping.set()
        for receiver, producer in self._receivers:
            receiver.stop()
            producer.close()
        self._dead.close()

    def _context(self, name: str, component: Any) -> ConnectorContext:
        model = component.CONNECTION
        connection = self._site.connection(component.connection, model) if model else None
        return ConnectorContext(
            flow=self._flow.flow,
            name=name,
            connection=connection,
            stopping=self.stopping,
            health=self.health,
            count=lambda word, n: self.metrics.counted(name, word, n),
            dead_letter=self._bury,
            letters_durable=lambda: self._dead.flush(self.stopping),
            tables=self._tables,
            arrived=self._running.wakeup.arrived,
            timezone=self._site.zone,
            folder=self._folder.path / f"files-{self._options.share.number}",
            share=self._options.share.name,
        )

    def _settle(self) -> None:
        for _, producer in self._receivers:
            producer.check()
        self._dead.flush(self.stopping)

    def _bury(self, letter: DeadLetter) -> None:
        """Do with a letter what the definition says; its step is a connector's name, or the
        identity of a stream's step.
        """
        name = letter.step.split("/")[1] if "/" in letter.step else letter.step
        policy = self._compiled.on_error.get(name, "dead_letter")
        if policy == "stop":
            raise ConnectorError(
                f"{letter.step}: {letter.reason}: {letter.detail} (from {letter.origin}; on_error:"
                " stop)"
            )
        if policy == "drop":
            self.metrics.counted(letter.step, f"dropped:{letter.reason}", 1)
            return
        self.metrics.counted(letter.step, f"dead_letter:{letter.reason}", 1)
        self._dead.send(
            self._dead_topic,
            letter.origin[:LONGEST_KEY],
            line_of(letter, self._broker.record_limit),
        )

    def _write_message(
        self, producer: Producer, topic: str, message: Event, durable: Callable[[], None]
    ) -> None:
        line, key = encode_lines([message]), key_of(message)
        limit = self._broker.record_limit
        detail = why_too_large(key, line, limit)
        if detail is None:
            producer.send(topic, key, line, durable)
            return
        letter = DeadLetter(
            id=message.id,
            time=message.time,
            flow=self._flow.flow,
            step=topic,
            reason="too_large",
            detail=detail,
            origin=key,
            payload=getattr(message, "payload", line),
            holds="bytes" if isinstance(message, Message) else "events",
        )
        self.metrics.counted(letter.step, f"dead_letter:{letter.reason}", 1)
        self._dead.send(
            self._dead_topic, letter.origin[:LONGEST_KEY], line_of(letter, limit), durable
        )

    def _inputs(self) -> list[Input]:
        inputs = [self._input(name, source) for name, source in self._compiled.sources.items()]
        if any(node.is_alarm for node in self._compiled.plan.nodes):
            source = Topic(
                name=self._broker.topic_names.alarm_commands, start="latest", new_partitions=1
            )
            context = replace(self._context("commands", source), connection=self._broker)
            inputs.append(
                Input(
                    COMMANDS, source.partitions(context), partial(source.open, context), "commands"
                )
            )
        return inputs

    def _input(self, name: str, component: Any) -> Input:
        source = self._site.fill(component)
        context = self._context(name, source)
        if isinstance(source, PushSource):
            topic = self._broker.topic_names.of_source(self._flow.flow, name)
            producer = Producer(
                self._broker, self.health, f"{name} intake", linger=0.0, partitions=1
            )
            write = partial(self._write_message, producer, topic)
            self._receivers.append((source.receiver(context, write), producer))
            context = replace(context, name=f"{name} topic", connection=self._broker)
            source = Topic(name=topic, new_partitions=1)
        parts, entry = source.partitions(context), raw_name(self._flow, name)
        if is_table(source):
            return Input(entry, parts, partial(source.open, context), "table")
        opener = partial(self._open, source, context, entry)
        return Input(entry, parts, opener, can_hear=lambda: name not in self.health.down)

    def _open(
        self,
        source: Source,
        context: ConnectorContext,
        name: str,
        part: str,
        position: object | None,
    ) -> Reader:
        """A partition that came to a topic while the flow has read the others is read from its
        beginning.
        """
        if position is None and isinstance(source, Topic) and name in self._known:
            position = 0
        return source.open(context, part, position)

    def _writers(self) -> dict[str, Callable[[], Writer]]:
        sinks = dict(self._compiled.sinks)
        names = {outlet.name for outlet in self._compiled.plan.outlets}
        if ALARM_SINK in names:
            sinks[ALARM_SINK] = CompiledSink(TopicSink(name=self._broker.topic_names.alarms))
            replies = TopicSink(name=self._broker.topic_names.alarm_replies, new_partitions=1)
            sinks[ANSWER_SINK] = CompiledSink(replies)
            self.metrics.registry.register(self._watch)
        writers: dict[str, Callable[[], Writer]] = {}
        for name, sink in sinks.items():
            context = replace(
                self._context(name, sink.component),
                shape=sink.shape,
                batch_events=sink.batch.max if sink.batch else None,
                batch_wait=sink.batch.wait if sink.batch else None,
                outbox=sink.outbox,
            )
            writers[name] = partial(self._open_sink, sink, context)
        if ALARM_SINK in writers:
            writers[ALARM_SINK] = partial(self._watched, writers[ALARM_SINK])
        if DEAD_SINK in names:
            writers[DEAD_SINK] = lambda: _Grave(self._bury, self._dead, self.stopping)
        return writers

    def _watched(self, open_sink: Callable[[], Writer]) -> Writer:
        return WatchedWriter(open_sink(), self._watch)

    def _open_sink(self, sink: CompiledSink, context: ConnectorContext) -> Writer:
        return _ThenDeadLetters(sink.component.open(context), self._dead, self.stopping)


def _number(part: str) -> int:
    return int(part.rpartition("/")[2])


class _ThenDeadLetters:
    """A sink's writer whose flush also makes durable what the sink refused."""

    def __init__(self, writer: Writer, dead: Producer, stopping: threading.Event) -> None:
        self.write = writer.write
        self.close = writer.close
        self._writer = writer
        self._dead = dead
        self._stopping = stopping

    def flush(self) -> None:
        self._writer.flush()
        self._dead.flush(self._stopping)


class _Grave:
    """The outlet of everything the steps refused."""

    def __init__(
        self, bury: Callable[[DeadLetter], None], dead: Producer, stopping: threading.Event
    ) -> None:
        self._bury = bury
        self._dead = dead
        self._stopping = stopping

    def write(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, DeadLetter):
                self._bury(event)

    def flush(self) -> None:
        self._dead.flush(self._stopping)

    def close(self) -> None:
        pass


def look_at_garbage_often() -> None:
    """Leave all that is there out of the garbage collection, so that whole collections are cheap
    and therefore frequent.

    Python puts them off until a quarter more objects are there, and meanwhile clients' requests,
    which refer to themselves, hold on to their buffers: over a hundred megabytes between two
    collections of a flow that writes to ClickHouse.
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


def handle_signals(runner: Runner) -> None:
    """SIGTERM and SIGINT ask for a drain; a second one ends at once."""

    def first(number: int, frame: object) -> None:
        log.info("stopping: making durable what was read (again to stop at once)")
        runner.stop()
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, first)
    signal.signal(signal.SIGINT, first)
