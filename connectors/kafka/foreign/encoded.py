"""Reading a topic of records that a schema registry describes: each becomes a JSON message."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from connectors.base import ConnectorContext, ConnectorError
from connectors.kafka.foreign.messages import MessageReader
from connectors.kafka.foreign.registry import (
    HEADER,
    Decoder,
    Registry,
    Schema,
    Undecodable,
    schema_id,
)
from connectors.runtime.backoff import Backoff
from connectors.runtime.optional_packages import needing

EXTRA = "schemas"


def _avro(schema: Schema) -> Decoder:
    from connectors.kafka.foreign.avro import decoder

    return decoder(schema)


def _protobuf(schema: Schema) -> Decoder:
    from connectors.kafka.foreign.protobuf import decoder

    return decoder(schema)


def _json(_: Schema) -> Decoder:
    return lambda body: body


KINDS: dict[str, Callable[[Schema], Decoder]] = {
    "AVRO": _avro, "PROTOBUF": _protobuf, "JSON": _json,
}  # fmt: skip


class Schemas:
    """The decoders of the schemas of one source; `learn` waits for the registry, `decode` never."""

    def __init__(self, context: ConnectorContext) -> None:
        """Make ready to ask the registry of the context's connection."""
        self.closed = threading.Event()
        self._context = context
        self._registry = Registry(context.connection.registry)
        self._decoders: dict[int, Decoder | Undecodable] = {}

    def learn(self, ids: Iterable[int]) -> None:
        """Return once these schemas are known, or known not to be there."""
        for id in ids:
            backoff = Backoff(0.2, 5.0)
            while id not in self._decoders and not self.closed.is_set():
                try:
                    self._decoders[id] = self._decoder(id)
                except Undecodable as error:
                    self._decoders[id] = error
                except (OSError, ConnectorError) as error:
                    if isinstance(error, ConnectorError) and isinstance(
                        error.__cause__, ModuleNotFoundError
                    ):
                        raise
                    self._context.health.degraded(
                        self._context.name, f"no schema {id} from the registry: {error}"
                    )
                    self.closed.wait(backoff.pause())

    def _decoder(self, id: int) -> Decoder:
        schema = self._registry.schema(id)
        make = KINDS.get(schema.kind)
        if make is None:
            raise Undecodable(f"its schema is of the kind {schema.kind}, none of {list(KINDS)}")
        with needing(self._context.name, EXTRA, "fastavro", "google"):
            return make(schema)

    def decode(self, value: bytes) -> bytes:
        """The JSON document of a record whose schema was learned; raises `Undecodable`."""
        id = schema_id(value)
        if id is None:
            return value
        found = self._decoders.get(id, Undecodable("its schema is not known"))
        if isinstance(found, Undecodable):
            raise found
        return found(value[HEADER:])


class EncodedReader(MessageReader):
    """Reads one partition whose records have the header of a schema registry, or are as they are.

    A record that is not what its schema says, or whose schema the registry does not have, is a dead
    letter, `bad_record`.
    """

    def __init__(self, poller: Any, context: ConnectorContext, *more: Any) -> None:
        super().__init__(poller, context, *more)
        self._schemas: Schemas = context.shared.setdefault("schemas", Schemas(context))

    def prepare(self, chunks: Iterable[Any]) -> None:
        """Learn the schemas of what is handed out next; waits for the registry."""
        ids = (schema_id(value) for chunk in chunks for value in chunk.values)
        self._schemas.learn(dict.fromkeys(id for id in ids if id is not None))

    def _documents(self, value: bytes) -> list[bytes]:
        if schema_id(value) is None:
            return super()._documents(value)
        return [self._schemas.decode(value)]

    def close(self) -> None:
        """Stop reading."""
        self._schemas.closed.set()
        super().close()
