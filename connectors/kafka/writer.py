"""The running side of the topic sink."""

from collections.abc import Mapping
from typing import Any

import msgspec

from connectors.base import ConnectorContext
from connectors.kafka.in_flight import carried_records, carried_state
from connectors.kafka.log.content import (
    CONTENT_TYPE,
    JSON_LINES,
    SCHEMA,
    SCHEMA_VERSION,
    Pack,
)
from connectors.kafka.producer import Producer
from connectors.kafka.too_large import dead_letter_too_large
from operators.events import Event


def headers_of(context: ConnectorContext) -> list[tuple[str, bytes]]:
    """What a record says of itself to other programs: what it holds, and who wrote it."""
    said = {
        CONTENT_TYPE: JSON_LINES,
        b"vigie-flow": context.flow.encode(),
        b"vigie-definition": context.definition.encode(),
        SCHEMA: str(SCHEMA_VERSION).encode(),
    }
    return [(name.decode(), value) for name, value in said.items() if value]


class ProducerWriter:
    """What the sinks of topics share: every record's result is checked.

    A saved state does not wait for partitions without a leader: it has their records in it.
    """

    def __init__(self, context: ConnectorContext, partitions: int | None) -> None:
        self._context = context
        self._producer = Producer(
            context.connection,
            context.health,
            context.name,
            partitions=partitions,
            stopping=context.stopping,
            strict=False,
            headers=headers_of(context),
            traces=context.traces,
        )

    def flush(self) -> None:
        """Return once the broker has all that was queued."""
        self._producer.flush(self._context.stopping)
        self._refuse()

    def _refuse(self) -> None:
        for refused in self._producer.too_large():
            dead_letter_too_large(refused, self._context)

    def snapshot(self) -> dict[str, Any] | None:
        """Return once the broker has what partitions with a leader take; the rest as data."""
        carried = self._producer.flush_or_carry(self._context.stopping)
        self._refuse()
        return carried_state(carried)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Write what `snapshot` held."""
        self._producer.resume(carried_records(state))

    def close(self) -> None:
        """Close the producer."""
        self._producer.close()


class TopicWriter(ProducerWriter):
    """Writes events to `topic`, packed or a record each."""

    def __init__(
        self, context: ConnectorContext, topic: str, pack: Pack, new_partitions: int | None
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
                self._topic,
                str(getattr(event, "subject", "")),
                line,
                pack=bool(self._pack),
                event=event,
            )
