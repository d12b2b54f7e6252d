"""Avro records as JSON documents."""

import io
import json
from collections.abc import Iterator
from typing import Any

import fastavro
import msgspec

from connectors.kafka.foreign.registry import Decoder, Schema, Undecodable

_encode = msgspec.json.Encoder(decimal_format="number").encode


def decoder(schema: Schema) -> Decoder:
    """What decodes records of a schema; raises `Undecodable` where it is none.

    Times become ISO 8601, decimals numbers, bytes base64.
    """
    named: dict[str, Any] = {}
    try:
        for text in _in_order(schema):
            parsed = fastavro.parse_schema(json.loads(text), named_schemas=named)
    except (ValueError, KeyError, TypeError, fastavro.schema.SchemaParseException) as error:
        raise Undecodable(f"its schema is no Avro schema: {error!r}") from error

    def decode(body: bytes) -> bytes:
        stream = io.BytesIO(body)
        try:
            found = fastavro.schemaless_reader(stream, parsed, None)
            left = len(body) - stream.tell()
        except Exception as error:  # what it raises for other bytes is of any kind
            raise Undecodable(f"it is not what its Avro schema says: {error!r}") from error
        if left:
            raise Undecodable(f"it has {left} bytes more than its Avro schema says")
        return _encode(found)

    return decode


def _in_order(schema: Schema) -> Iterator[str]:
    """The texts of a schema and of all that it refers to, each behind what it refers to."""
    seen: set[str] = set()

    def visit(one: Schema) -> Iterator[str]:
        if one.text not in seen:
            seen.add(one.text)
            for _, other in one.references:
                yield from visit(other)
            yield one.text

    return visit(schema)
