"""The sinks of a running flow: what opens the writer of each."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from connectors.base import ConnectorContext, Writer
from connectors.kafka.components import TopicSink
from connectors.kafka.push_sink import WebSocket
from connectors.kafka.topic_names import TopicNames
from flows.dataflow.compiler import ALARM_SINK, ANSWER_SINK, DEAD_SINK, Compiled, CompiledSink
from flows.runtime.alarm_metrics import AlarmFigures, CountingWriter
from flows.runtime.dead_letters import DeadLetters, DeadLetterWriter, FlushingWriter
from flows.runtime.inputs import MakeContext


def openers(
    compiled: Compiled,
    topics: TopicNames,
    letters: DeadLetters,
    figures: AlarmFigures,
    context_of: MakeContext,
    had_alarms: bool = False,
) -> dict[str, Callable[[], Writer]]:
    """By sink, what opens its writer.

    A flow with alarms has sinks for them and for answers; so has one that had some, whose end is
    told.
    """
    sinks = dict(compiled.sinks)
    if had_alarms or any(node.is_alarm for node in compiled.plan.nodes):
        sinks[ALARM_SINK] = CompiledSink(TopicSink(name=topics.alarms))
        replies = TopicSink(name=topics.alarm_replies, new_partitions=1)
        sinks[ANSWER_SINK] = CompiledSink(replies)
    found: dict[str, Callable[[], Writer]] = {}
    for name, sink in sinks.items():
        context = replace(
            context_of(name, sink.component),
            shape=sink.shape,
            batch_events=sink.batch.max if sink.batch else None,
            batch_wait=sink.batch.wait if sink.batch else None,
            outbox=sink.outbox,
        )
        if isinstance(sink.component, TopicSink):
            sink.component.prepare(context)
        found[name] = partial(_open, sink, context, letters)
    if ALARM_SINK in found:
        found[ALARM_SINK] = partial(_open_counted, found[ALARM_SINK], figures)
    found[DEAD_SINK] = lambda: DeadLetterWriter(letters)
    return found


def written_topics(compiled: Compiled, names: TopicNames) -> set[str]:
    """The topics to which a flow writes."""
    flow = compiled.plan.flow
    found = {names.alarms, names.alarm_replies, names.dead_letters(flow), names.evidence}
    found |= {names.outbox(flow, name) for name in compiled.outbox}
    found |= {names.of_source(flow, name) for name in compiled.sources}
    for sink in compiled.sinks.values():
        if isinstance(sink.component, TopicSink):
            found.add(sink.component.name)
        elif isinstance(sink.component, WebSocket):
            found.add(names.push)
    return found


def _open(sink: CompiledSink, context: ConnectorContext, letters: DeadLetters) -> Writer:
    return FlushingWriter(sink.component.open(context), letters, sink.component.TAKES_COLUMNS)


def _open_counted(open_writer: Callable[[], Writer], figures: AlarmFigures) -> Writer:
    return CountingWriter(open_writer(), figures)
