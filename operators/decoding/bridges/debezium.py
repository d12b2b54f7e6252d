"""Debezium's change events, as Kafka Connect's JSON converter writes them, with or without schema.

Fields of the envelope: debezium.io/documentation, "MySQL connector, data change events".
"""

from typing import Any, Literal

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import Ignored, wrong_type, wrong_value
from operators.decoding.payloads.reading_builder import ReadingBuilder
from operators.events import Row

_Op = Literal["insert", "update", "delete"]
_OPS: dict[str, _Op] = {"c": "insert", "r": "insert", "u": "update", "d": "delete"}
_NO_ROW = frozenset("tm")
"""A truncated table, and a message of the database's own."""


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is dict and "payload" in data and "schema" in data:
        data = data["payload"]
        if data is None:
            raise Ignored
    if data.__class__ is not dict:
        raise wrong_type("Debezium's envelope, an object", data)
    if "source" not in data and "ddl" in data:
        raise Ignored
    word = data.get("op")
    if word in _NO_ROW:
        raise Ignored
    if word not in _OPS:
        raise wrong_value("'c', 'u', 'd' or 'r' as op of Debezium's envelope", word)
    op = _OPS[word]
    side = "before" if op == "delete" else "after"
    values, source = data.get(side), data.get("source")
    if source.__class__ is not dict:
        raise wrong_type("an object as source of Debezium's envelope", source)
    if values.__class__ is not dict:
        raise wrong_type(f"the row, an object, as {side!r} of Debezium's envelope", values)
    builder.set_time(source.get("ts_ms") or data.get("ts_ms"))
    builder.events.append(
        Row(
            id=builder.id,
            time=builder.time,
            table=_table(builder.topic, source),
            op=op,
            values=values,
            labels=builder.labels,
            snapshot=word == "r",
        )
    )


def _table(topic: str, source: dict[str, Any]) -> str:
    """`schema.table`, or `database.table` of databases without schemas."""
    names = [source.get("schema") or source.get("db"), source.get("table")]
    if names[1].__class__ is not str:
        names = [source.get("db"), source.get("collection")]
    known = [name for name in names if name.__class__ is str and name]
    return ".".join(known) or topic


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named else None


DIALECT = Dialect(
    "Debezium's change events, with or without schema; each becomes a row",
    _route,
    _read,
    metrics=frozenset(),
)
