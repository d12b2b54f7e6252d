"""The sources of a running flow, opened with what the site file says of them."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from connectors.base import ConnectorContext, Health, PushSource, Reader, Receiver, Source
from connectors.camera.components import Rtsp
from connectors.config.site import Site
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from connectors.s3.components import Clip
from flows.dataflow.compiler import Compiled, NotRunnable, is_table, raw_name
from flows.dataflow.plan import COMMANDS
from flows.language.model import Flow
from flows.runtime.dead_letters import DeadLetters
from flows.runtime.runtime_context import Input
from flows.vision.models import model_settings
from flows.vision.picture_steps import UnlikeSteps, picture_steps
from flows.vision.supervisor import CameraProcesses

MakeContext = Callable[[str, Any], ConnectorContext]
"""The context of a connector, by its name and its settings."""


class Inputs:
    """The sources of a flow and, where their senders wait, receivers that write into topics.

    `known` are the sources of which some partition has a saved position. `definition` is the folder
    where a definition's own files are.
    """

    def __init__(
        self,
        flow: Flow,
        site: Site,
        broker: TopicConnection,
        letters: DeadLetters,
        health: Health,
        context_of: MakeContext,
        definition: Path = Path(),
    ) -> None:
        self.known: Collection[str] = ()
        self._flow = flow
        self._site = site
        self._broker = broker
        self._letters = letters
        self._health = health
        self._context_of = context_of
        self._definition = definition
        self._receivers: list[tuple[Receiver, Producer | None]] = []

    def connect(self, compiled: Compiled) -> list[Input]:
        """Look up the partitions of all sources; raises `ConnectorError`."""
        inputs = [self._input(name, source, compiled) for name, source in compiled.sources.items()]
        if any(node.is_alarm for node in compiled.plan.nodes):
            inputs.append(self._commands())
        return inputs

    def start(self) -> None:
        """Let the receivers take what senders have."""
        for receiver, _ in self._receivers:
            receiver.start()

    def check(self) -> None:
        """Raise what a receiver could not write."""
        for _, producer in self._receivers:
            if producer is not None:
                producer.check()

    def close(self) -> None:
        """Stop the receivers; what was not acknowledged is sent again."""
        for receiver, producer in self._receivers:
            receiver.stop()
            if producer is not None:
                producer.close()

    def _commands(self) -> Input:
        source = Topic(
            name=self._broker.topic_names.alarm_commands, start="latest", new_partitions=1
        )
        context = replace(self._context_of("commands", source), connection=self._broker)
        parts, opener = source.partitions(context), partial(source.open, context)
        return Input(COMMANDS, parts, opener, "commands", grown=partial(_grown, context))

    def _input(self, name: str, component: Any, compiled: Compiled) -> Input:
        source = self._site.fill(component)
        context = self._context_of(name, source)
        if isinstance(source, PushSource):
            topic = self._broker.topic_names.of_source(self._flow.flow, name)
            producer = Producer(
                self._broker, self._health, f"{name} intake", linger=0.0, partitions=1
            )
            write = partial(self._letters.write, producer, topic)
            self._receivers.append((source.receiver(context, write), producer))
            source, context = self._intake(context, topic)
        elif isinstance(source, Rtsp):
            self._receivers.append((self._cameras(component, context), None))
            topic = self._broker.topic_names.of_source(self._flow.flow, name)
            source, context = self._intake(context, topic)
        parts, entry = source.partitions(context), raw_name(self._flow, name)
        columns = compiled.plan.takes_columns(entry) and context.traces is None
        context = replace(context, columns=columns)
        if is_table(source):
            opener = partial(source.open, context)
            return Input(entry, parts, opener, "table", grown=partial(_grown, context))
        return Input(
            entry,
            parts,
            partial(self._open, source, context, entry),
            is_reachable=lambda: name not in self._health.down,
            grown=partial(_grown, context),
            is_drawn=isinstance(component, PushSource),
            begins_late=getattr(source, "start", None) == "latest",
        )

    def _intake(self, context: ConnectorContext, topic: str) -> tuple[Topic, ConnectorContext]:
        """The topic that a source's own receiver writes to, as the source that the flow reads."""
        context = replace(context, name=f"{context.name} topic", connection=self._broker)
        return Topic(name=topic, new_partitions=1), context

    def _cameras(self, source: Rtsp, context: ConnectorContext) -> CameraProcesses:
        live = self._flow.sources.get(source.each)
        table_topic = (
            live.settings.topics()[0] if live and isinstance(live.settings, Topic) else None
        )
        rows = context.tables.get(source.each, ())
        source = self._recording(source)
        try:
            steps = picture_steps(self._flow, context.name)
        except UnlikeSteps as error:
            raise NotRunnable(str(error)) from None
        model = (
            model_settings(steps.detect.model, self._site, self._definition) if steps.detect else {}
        )
        return CameraProcesses(
            context, source, rows, table_topic, steps, self._broker, model, self._site.cameras
        )

    def _recording(self, source: Rtsp) -> Rtsp:
        """The source with as much video at hand as the flow's clips need."""
        clips = [sink.settings for sink in self._flow.sinks.values()]
        reach = max((clip.reach for clip in clips if isinstance(clip, Clip)), default=0.0)
        if not 0 < source.record.keep < reach:
            return source
        record = source.record.model_copy(update={"keep": reach})
        return source.model_copy(update={"record": record})

    def _open(
        self, source: Source, context: ConnectorContext, name: str, part: str, position: Any
    ) -> Reader:
        """Open a partition of a source.

        One that came to a topic while the flow has read the others is read from its beginning.
        """
        if position is None and isinstance(source, Topic) and name in self.known:
            position = 0
        return source.open(context, part, position)


def _grown(context: ConnectorContext) -> list[str]:
    """The partitions that came to a source's topics since the last call."""
    grown = context.shared.get("grown", ())
    return [grown.popleft() for _ in range(len(grown))]
