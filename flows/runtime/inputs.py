"""The sources of a running flow, opened with what the site file says of them."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

from connectors.base import ConnectorContext, Health, PushSource, Reader, Receiver, Source
from connectors.config.site import Site
from connectors.kafka.components import Topic
from connectors.kafka.connection import TopicConnection
from connectors.kafka.producer import Producer
from flows.dataflow.compiler import Compiled, is_table, raw_name
from flows.dataflow.plan import COMMANDS
from flows.language.model import Flow
from flows.runtime.dead_letters import DeadLetters
from flows.runtime.runtime_context import Input

MakeContext = Callable[[str, Any], ConnectorContext]
"""The context of a connector, by its name and its settings."""


class Inputs:
    """The sources of a flow and, where their senders wait, receivers that write into topics.

    `known` are the sources of which some partition has a saved position.
    """

    def __init__(
        self,
        flow: Flow,
        site: Site,
        broker: TopicConnection,
        letters: DeadLetters,
        health: Health,
        context_of: MakeContext,
    ) -> None:
        self.known: Collection[str] = ()
        self._flow = flow
        self._site = site
        self._broker = broker
        self._letters = letters
        self._health = health
        self._context_of = context_of
        self._receivers: list[tuple[Receiver, Producer]] = []

    def connect(self, compiled: Compiled) -> list[Input]:
        """Look up the partitions of all sources; raises `ConnectorError`."""
        inputs = [self._input(name, source) for name, source in compiled.sources.items()]
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
            producer.check()

    def close(self) -> None:
        """Stop the receivers; what was not acknowledged is sent again."""
        for receiver, producer in self._receivers:
            receiver.stop()
            producer.close()

    def _commands(self) -> Input:
        source = Topic(
            name=self._broker.topic_names.alarm_commands, start="latest", new_partitions=1
        )
        context = replace(self._context_of("commands", source), connection=self._broker)
        parts, opener = source.partitions(context), partial(source.open, context)
        return Input(COMMANDS, parts, opener, "commands")

    def _input(self, name: str, component: Any) -> Input:
        source = self._site.fill(component)
        context = self._context_of(name, source)
        if isinstance(source, PushSource):
            topic = self._broker.topic_names.of_source(self._flow.flow, name)
            producer = Producer(
                self._broker, self._health, f"{name} intake", linger=0.0, partitions=1
            )
            write = partial(self._letters.write, producer, topic)
            self._receivers.append((source.receiver(context, write), producer))
            context = replace(context, name=f"{name} topic", connection=self._broker)
            source = Topic(name=topic, new_partitions=1)
        parts, entry = source.partitions(context), raw_name(self._flow, name)
        if is_table(source):
            return Input(entry, parts, partial(source.open, context), "table")
        opener = partial(self._open, source, context, entry)
        return Input(entry, parts, opener, is_reachable=lambda: name not in self._health.down)

    def _open(
        self, source: Source, context: ConnectorContext, name: str, part: str, position: Any
    ) -> Reader:
        """Open a partition of a source.

        One that came to a topic while the flow has read the others is read from its beginning.
        """
        if position is None and isinstance(source, Topic) and name in self.known:
            position = 0
        return source.open(context, part, position)
