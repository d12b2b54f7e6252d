"""Topics of a Kafka-protocol broker (Redpanda): the source and the sink that join flows."""

from collections import Counter
from typing import ClassVar, Literal

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pydantic import Field

from connectors.base import ConnectorContext, Reader, Sink, Source, Stopped, Writer
from connectors.kafka.compacted import TableReader
from connectors.kafka.connection import TopicConnection, ensure_topic, explain
from connectors.kafka.consumer import Poller, TopicReader
from connectors.kafka.producer import Producer, bury_too_large
from connectors.runtime.backoff import Backoff
from operators.events import Event
from operators.model.units import Some


class Topic(Source):
    """Reads events from one or several topics, from where the flow left off.

    Records hold one JSON line an event, one or many a record. A line that is no event goes to dead
    letters.

    Delivery: the positions are kept in the flow's own recovery store, not with the broker; after a
    crash at most the last second is read again, and every sink makes that invisible by the events'
    ids.
    Back pressure: reads ahead at most 16 MiB, then leaves the rest in the topic.
    """

    NAME: ClassVar[str] = "topic"
    SHORT: ClassVar[str] = "name"
    CONNECTION: ClassVar[type[TopicConnection]] = TopicConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "topic: site.readings",
        "topic: {name: vigie.rules, table: true}",
    )

    name: Some = Field(description="Topic, or list of topics.", examples=["site.readings"])
    start: Literal["latest", "earliest"] = Field(
        "earliest", description="Where to begin when the flow has no saved position."
    )
    table: bool = Field(
        False,
        description=(
            "The topic is a table of rows (JSON objects): the latest record of each key counts, and"
            " one without a value deletes the row. It is read whole at every start, before anything"
            " else."
        ),
    )
    new_partitions: int | None = Field(
        None,
        ge=1,
        le=1000,
        description=(
            "Partitions of the topic if it does not exist yet; the connection's without, 1 of a"
            " table."
        ),
    )
    connection: str = Field("redpanda", description="Connection of the site file.")

    def topics(self) -> list[str]:
        """The names of the topics."""
        return [self.name] if isinstance(self.name, str) else list(self.name)

    def partitions(self, context: ConnectorContext) -> list[str]:
        """`TOPIC/NUMBER` of every partition; waits for a broker, and creates missing topics."""
        backoff = Backoff(0.2, 5.0)
        while True:
            try:
                names = partition_names(
                    context.connection, self.topics(), self.new_partitions, self.table
                )
            except (KafkaError, OSError) as error:
                context.health.degraded(context.name, explain(error, context.connection))
                if context.stopping.wait(backoff.pause()):
                    raise Stopped(
                        f"{context.name}: {explain(error, context.connection)}"
                    ) from error
            else:
                context.health.up(context.name)
                context.shared["partitions"] = Counter(name.rpartition("/")[0] for name in names)
                return names

    def open(self, context: ConnectorContext, partition: str, position: object | None) -> Reader:
        """Open a partition at a saved position, or where `start` says."""
        poller = context.shared.get("poller")
        if poller is None:
            start = "earliest" if self.table else self.start
            poller = context.shared["poller"] = Poller(context, start, keyed=self.table)
        topic, _, number = partition.rpartition("/")
        kind = TableReader if self.table else TopicReader
        reader = kind(poller, context, TopicPartition(topic, int(number)), position)
        poller.add(reader)
        return reader


def partition_names(
    connection: TopicConnection, topics: list[str], new: int | None = None, table: bool = False
) -> list[str]:
    """`TOPIC/NUMBER` of every partition of the topics, created if need be.

    Raises `KafkaError` while no broker answers.
    """
    for topic in topics:
        ensure_topic(connection, topic, new or (1 if table else None), compact=table)
    consumer = KafkaConsumer(
        **connection.client_options(), enable_auto_commit=False, bootstrap_timeout_ms=5000
    )
    try:
        counts = {topic: consumer.partitions_for_topic(topic) for topic in topics}
    finally:
        consumer.close()
    if missing := [topic for topic, count in counts.items() if not count]:
        raise KafkaError(f"the broker does not list {', '.join(missing)}")
    return [f"{topic}/{number}" for topic, numbers in counts.items() for number in sorted(numbers)]


class TopicSink(Sink):
    """Writes events to a topic, for other flows, the push layer and other programs.

    Delivery: at least once, in order per key; every record's result is checked. The events' ids
    make a second delivery visible to whoever reads the topic. An event larger than a record may be
    is a dead letter, `too_large`.
    Back pressure: blocks the flow while the broker is down or slow.
    """

    NAME: ClassVar[str] = "topic"
    SHORT: ClassVar[str] = "name"
    CONNECTION: ClassVar[type[TopicConnection]] = TopicConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "topic: site.readings",
        "topic: {name: site.rules, pack: false}",
    )

    name: str = Field(
        description="Topic to write to; created if it does not exist.", examples=["site.readings"]
    )
    key: Literal["subject"] = Field("subject", description="What decides the partition.")
    pack: bool = Field(
        True,
        description=(
            "Put events that are ready together into one record, one JSON line each; off: a record"
            " each."
        ),
    )
    new_partitions: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Partitions of the topic if it does not exist yet; the connection's without.",
    )
    connection: str = Field("redpanda", description="Connection of the site file.")

    def open(self, context: ConnectorContext) -> Writer:
        """Open the sink."""
        return _TopicWriter(self, context)


class _TopicWriter:
    def __init__(self, sink: TopicSink, context: ConnectorContext) -> None:
        self._topic = sink.name
        self._pack = sink.pack
        self._context = context
        self._producer = Producer(
            context.connection,
            context.health,
            context.name,
            partitions=sink.new_partitions,
            stopping=context.stopping,
            strict=False,
        )

    def write(self, events: list[Event]) -> None:
        if self._context.shape is None:
            self._producer.send_events(self._topic, events, self._pack)
            return
        for event in events:
            line = msgspec.json.encode(self._context.shape(event)) + b"\n"
            self._producer.send(
                self._topic, str(getattr(event, "subject", "")), line, pack=self._pack, event=event
            )

    def flush(self) -> None:
        self._producer.flush(self._context.stopping)
        bury_too_large(self._producer, self._context)

    def close(self) -> None:
        self._producer.close()
