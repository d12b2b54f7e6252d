"""The running side of the topic sink."""

import msgspec

from connectors.base import ConnectorContext
from connectors.kafka.producer import Producer, dead_letter_too_large
from operators.events import Event


class ProducerWriter:
    """What the sinks of topics share: every record's result is checked."""

    def __init__(self, context: ConnectorContext, partitions: int | None) -> None:
        self._context = context
        self._producer = Producer(
            context.connection,
            context.health,
            context.name,
            partitions=partitions,
            stopping=context.stopping,
            strict=False,
        )

    def flush(self) -> None:
        """Return once the broker has all that was queued."""
        self._producer.flush(self._context.stopping)
        for refused in self._producer.too_large():
            dead_letter_too_large(refused, self._context)

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()


class TopicWriter(ProducerWriter):
    """Writes events to `topic`, packed or a record each."""

    def __init__(
        self, context: ConnectorContext, topic: str, pack: bool, new_partitions: int | None
    ) -> None:
        super().__init__(context, new_partitions)
        self._topic = topic
        self._pack = pack

    def write(self, events: list[Event]) -> None:
        """Queue events."""
        if self._context.shape is None:
            self._producer.send_events(self._topic, events, self._pack)
            return
        for event in events:
            line = msgspec.json.encode(self._context.shape(event)) + b"\n"
            self._producer.send(
                self._topic, str(getattr(event, "subject", "")), line, pack=self._pack, event=event
            )
