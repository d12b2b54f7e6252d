"""Topics of a Kafka-protocol broker (Redpanda): the source and the sink that join flows."""

from collections import Counter
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from connectors.base import ConnectorContext, Reader, Sink, Source, Writer
from connectors.kafka.connection import TopicConnection, TopicName
from connectors.kafka.topics.declared import PACKED


class Topic(Source):
    """Reads events from one or several topics, from where the flow left off.

    Records hold one JSON line an event, one or many a record, or many readings as Arrow columns;
    both may stand in one topic. A line that is no event goes to dead letters, so does a damaged
    batch of columns. With `messages`, records of other programs are read, by a step `decode` behind
    it.

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
        "topic: {name: plant.measurements, messages: true}",
    )

    name: TopicName | list[TopicName] = Field(
        description="Topic, or list of topics.", examples=["site.readings"]
    )
    start: Literal["latest", "earliest"] = Field(
        "earliest", description="Where to begin when the flow has no saved position."
    )
    table: bool = Field(
        False,
        description=(
            "The topic is a table of rows (JSON objects): the latest record of each key counts, and"
            " one without a value deletes the row. A reading is the row of its signal, with its"
            " labels, `subject`, `metric` and `value`; that of the latest time counts. It is read"
            " whole at every start, before anything else."
        ),
    )
    messages: bool = Field(
        False,
        description=(
            "The topic is of other programs: each record is a message for `decode`, and of several"
            " JSON documents in one record each. A message's topic is the record's, and behind it"
            " `/` and the key where that is a plain name; key and headers are labels, `key` and"
            " `header_NAME`. Where the connection has a `registry`, records of Avro and Protobuf"
            " with its header become JSON; one that is not what its schema says is a dead letter."
        ),
    )
    encoding: Literal["json", "arrow"] = Field(
        "json",
        description=(
            "What the topic is made for. Both are read in any case; with `arrow`, a flow does not"
            " start where the package for it is missing."
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

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if self.table and self.messages:
            raise ValueError(
                "a topic is a table of rows or holds messages for `decode`: leave out `table` or"
                " `messages`"
            )
        if self.encoding == "arrow" and (self.table or self.messages):
            raise ValueError(
                "`encoding: arrow` is for topics of readings; a table of rows and `messages` are"
                " read as they are: leave it out"
            )
        return self

    def topics(self) -> list[str]:
        """The names of the topics."""
        return [self.name] if isinstance(self.name, str) else list(self.name)

    def partitions(self, context: ConnectorContext) -> list[str]:
        """`TOPIC/NUMBER` of every partition; waits for a broker, and creates missing topics."""
        from connectors.kafka.admin import wait_for_partitions
        from connectors.kafka.log.content import require_arrow

        if self.encoding == "arrow":
            require_arrow(context.name)
        names = wait_for_partitions(context, self.topics(), self.new_partitions, self.table)
        context.shared["partitions"] = Counter(name.rpartition("/")[0] for name in names)
        return names

    def open(self, context: ConnectorContext, partition: str, position: object | None) -> Reader:
        """Open a partition at a saved position, or where `start` says."""
        from connectors.kafka.compacted import TableReader
        from connectors.kafka.consumer import TopicReader
        from connectors.kafka.foreign.encoded import EncodedReader
        from connectors.kafka.foreign.messages import MessageReader
        from connectors.kafka.poller import open_reader

        if self.table:
            return open_reader(context, TableReader, partition, position, "earliest", keyed=True)
        if self.messages:
            kind = EncodedReader if context.connection.registry else MessageReader
            return open_reader(context, kind, partition, position, self.start, False, "keyed")
        return open_reader(context, TopicReader, partition, position, self.start, keyed=False)


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
    OUTSIDE: ClassVar[bool] = False
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "topic: site.readings",
        "topic: {name: site.rules, pack: false}",
        "topic: {name: site.measured, encoding: arrow}",
    )

    name: TopicName = Field(
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
    encoding: Literal["json", "arrow"] = Field(
        "json",
        description=(
            "`arrow` writes readings that are ready together as one Arrow IPC stream a record"
            " (content type `application/vnd.apache.arrow.stream`), which other flows read several"
            " times faster, and `vigie topic cat` shows as JSON. Other events, and a `shape`, are"
            " JSON lines in any case. Needs the extra `arrow`."
        ),
    )
    new_partitions: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Partitions of the topic if it does not exist yet; the connection's without.",
    )
    connection: str = Field("redpanda", description="Connection of the site file.")

    @model_validator(mode="after")
    def _packs_columns(self) -> Self:
        if self.encoding == "arrow" and not self.pack:
            raise ValueError(
                "`encoding: arrow` puts many readings into a record: leave out `pack: false`"
            )
        return self

    def prepare(self, context: ConnectorContext) -> None:
        """Make the topic; waits for a broker. Raises `Refused` where it may not be written."""
        from connectors.kafka.admin import ensure_topic, wait_for

        needs = ("WRITE", PACKED) if self.pack else ("WRITE",)
        wait_for(
            context,
            lambda: ensure_topic(context.connection, self.name, self.new_partitions, needs=needs),
        )

    def open(self, context: ConnectorContext) -> Writer:
        """Open the sink."""
        from connectors.kafka.log.content import require_arrow
        from connectors.kafka.writer import TopicWriter

        if self.encoding == "arrow":
            require_arrow(context.name)
            return TopicWriter(context, self.name, "arrow", self.new_partitions)
        return TopicWriter(context, self.name, self.pack, self.new_partitions)
