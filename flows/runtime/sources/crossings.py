"""Partitions in which subjects of several processes lie: a table that all of these share."""

import logging
from collections.abc import Mapping
from contextlib import closing

import msgspec

from connectors.base import ConnectorContext, Stopped
from connectors.kafka.components import Topic
from connectors.kafka.log.position import Position
from connectors.kafka.producer import Producer
from operators.model.tables import row_of

log = logging.getLogger("vigie")

LOOK_SECONDS = 0.02


class Crossings:
    """Partitions of topics in which one process found subjects of another.

    Each process reads its share of the partitions, and beside them those of this table, from the
    position before the first such subject; it leaves out what is not its own. `context` is that of
    the broker.
    """

    def __init__(self, context: ConnectorContext, producer: Producer) -> None:
        self._context, self._producer = context, producer
        self._topic: str = context.connection.topic_names.crossings(context.flow)
        self._known: dict[tuple[str, str], Position] = {}
        source = Topic(name=self._topic, table=True)
        (part,) = source.partitions(context)
        self._reader = source.open(context, part, None)
        while not self._read():
            if context.stopping.wait(LOOK_SECONDS):
                raise Stopped(f"asked to stop while {self._topic} was read")

    def of(self, source: str) -> Mapping[str, Position]:
        """The partitions of a source, each with where its first subject of others may lie."""
        self._read()
        return {part: at for (name, part), at in self._known.items() if name == source}

    def all(self) -> Mapping[tuple[str, str], Position]:
        """The same of all sources, by source and partition."""
        return self._known

    def tell(self, source: str, part: str, position: object) -> None:
        """Have the other processes read a partition from a position; returns once they will."""
        if (source, part) in self._known:
            return
        at = Position(0) if position is None else Position.parse(position)
        self._known[source, part] = at
        log.warning(
            "%s: %s may have subjects of other processes from offset %d on; they read it, too",
            self._context.flow, part, at.offset,
        )  # fmt: skip
        row = {"id": f"{source}:{part}", "source": source, "part": part, "position": at}
        line = msgspec.json.encode(row)
        self._producer.send(self._topic, f"{source}:{part}", line, pack=False)
        self._producer.flush(self._context.stopping, self._topic)

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()

    def _read(self) -> bool:
        """Take what came; whether that was the whole table."""
        batch = self._reader.read()
        for event in batch.events if batch else ():
            row = row_of(event)
            if "part" in row:
                place = row["source"], row["part"]
                self._known.setdefault(place, Position.parse(row["position"]))
        return batch is not None and batch.whole


def told_before(
    context: ConnectorContext, producer: Producer
) -> Mapping[tuple[str, str], Position]:
    """What the processes of a flow told of such partitions that one process alone runs now."""
    with closing(Crossings(context, producer)) as crossings:
        return crossings.all()
