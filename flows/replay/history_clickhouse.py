"""History from ClickHouse: rows of a table as the events they were written from, by time."""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from connectors.base import ConnectorError
from connectors.clickhouse.client import error_text, open_client
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Found
from connectors.config.suggestion import near
from flows.replay.merge import HistoryDown
from flows.replay.player import Piece
from flows.replay.prefetch import ahead
from operators.columnar.arrow_arrays import plain_numbers
from operators.columnar.arrow_batch import columns_of, readings_of
from operators.columnar.batch_columns import Floats
from operators.events import Event, Quality

ROWS = 500_000
"""Rows that ClickHouse sorts at once; a query reads the shortest run of spans that has so many."""
AHEAD = 8
"""Batches of Arrow, of some 65,000 rows, that may wait: while a run of spans is played,
ClickHouse sorts the next one.
"""
SPAN = 600.0
TIMEOUT = 600.0
_MICRO = 1_000_000
_SETTINGS = {
    "output_format_arrow_low_cardinality_as_dictionary": 1,
    "output_format_arrow_string_as_string": 1,
    "do_not_merge_across_partitions_select_final": 1,
}
_READING_COLUMNS = ("id", "subject", "metric", "value", "unit", "quality")
_RARE_COLUMNS = {
    "text": "countIf(text IS NOT NULL)",
    "labels": "countIf(notEmpty(labels))",
    "topic": "countIf(topic IS NOT NULL)",
    "raw": "countIf(raw IS NOT NULL)",
}
_EVENT_COLUMNS = ("id", "kind", "subject", "data", "labels")
QUALITIES = get_args(Quality)
_json = msgspec.json.Decoder(dict[str, Any]).decode
_labels = msgspec.json.Decoder(dict[str, str]).decode


class TableHistory:
    """The events of a table from `start` to before `end` (epoch seconds), each once.

    Raises `ConnectorError` for a table that is not there or holds no events, `HistoryDown` while
    ClickHouse does not answer.
    """

    def __init__(
        self, connection: ClickHouseConnection, table: str, start: float, end: float
    ) -> None:
        self._connection, self._table = connection, table
        self._start, self._end = _micro(start), _micro(end)
        self._rare: list[str] = []
        self._done = 0
        self.size = 0
        client = self._ask(lambda: open_client(connection, timeout=TIMEOUT))
        self._client: Client = client
        found = self._ask(lambda: Schema(client, connection.database).look(table))
        self._kind = self._kind_of(found)
        self._spans = self._ask(self._count)

    @property
    def share(self) -> float:
        """How much has been read, from 0 to 1."""
        return self._done / self.size if self.size else 1.0

    def pieces(self) -> Iterator[Piece]:
        """The events, in pieces, in the order of time."""
        make = self._readings if self._kind == "readings" else self._events
        for batch in ahead(self._batches, AHEAD):
            times = plain_numbers(batch.column("micro"), np.int64) / _MICRO
            self._done += len(times)
            yield Piece(make(batch, times), times.tolist())

    def _kind_of(self, found: Found | None) -> str:
        name = f"the table {self._table!r} of the database {self._connection.database!r}"
        if found is None:
            known = self._ask(lambda: Schema(self._client, self._connection.database).known())
            hint = near(self._table, known) or f"known: {', '.join(known) or 'none'}"
            raise ConnectorError(f"there is no {name.removeprefix('the ')} ({hint})")
        if found.kind in ("readings", "events"):
            return found.kind
        if found.kind == "alarms":
            raise ConnectorError(
                f"{name} holds alarms, which a replay makes anew; name a table of readings or"
                " events"
            )
        if set(found.columns) >= {"time", *_READING_COLUMNS, *_RARE_COLUMNS}:
            return "readings"
        if set(found.columns) >= {"time", *_EVENT_COLUMNS}:
            return "events"
        raise ConnectorError(f"{name} was not made by Vigie; name a table of readings or events")

    # ------------------------------------------------------------------------
    # what there is
    def _where(self) -> str:
        return (
            "time >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') AND time <"
            " fromUnixTimestamp64Micro({end:Int64}, 'UTC')"
        )

    def _count(self) -> list[tuple[int, int]]:
        """(start, rows) of each span that has any, and which columns have values at all."""
        rare = list(_RARE_COLUMNS) if self._kind == "readings" else []
        counts = "".join(f", {_RARE_COLUMNS[name]}" for name in rare)
        rows = self._client.query(
            f"SELECT intDiv(toUnixTimestamp64Micro(time), {int(SPAN * _MICRO)}) AS span"  # noqa: S608
            f", count(){counts} FROM `{self._table}` WHERE {self._where()} GROUP BY span ORDER BY"
            " span",
            parameters={"start": self._start, "end": self._end},
        ).result_rows
        self._rare = [name for index, name in enumerate(rare, 2) if any(row[index] for row in rows)]
        self.size = sum(row[1] for row in rows)
        return [(int(row[0]) * int(SPAN * _MICRO), int(row[1])) for row in rows]

    def _windows(self) -> Iterator[tuple[int, int]]:
        """Spans of about `ROWS` rows together."""
        first: int | None = None
        gathered = 0
        for start, rows in self._spans:
            if first is None:
                first = start
            elif gathered + rows > ROWS:
                yield max(first, self._start), start
                first, gathered = start, 0
            gathered += rows
        if first is not None:
            yield max(first, self._start), self._end

    # ------------------------------------------------------------------------
    # reading
    def _batches(self) -> Iterator[pa.RecordBatch]:
        for start, end in self._windows():
            yield from self._window(start, end)

    def _window(self, start: int, end: int) -> Iterator[pa.RecordBatch]:
        columns = (
            [*_READING_COLUMNS, *self._rare] if self._kind == "readings" else list(_EVENT_COLUMNS)
        )
        chosen = ", ".join(
            "toLowCardinality(toJSONString(labels)) AS labels" if c == "labels" else c
            for c in columns
        )
        order = (
            "time, subject, metric, id" if self._kind == "readings" else "time, subject, type, id"
        )
        sql = (
            f"SELECT toUnixTimestamp64Micro(time) AS micro, {chosen} FROM `{self._table}` FINAL "  # noqa: S608
            f"WHERE {self._where()} ORDER BY {order}"
        )
        stream = self._ask(
            lambda: self._client.query_arrow_stream(
                sql, parameters={"start": start, "end": end}, settings=_SETTINGS
            )
        )
        with stream:
            batches = iter(stream)
            while (batch := self._ask(lambda: next(batches, None))) is not None:
                if batch.num_rows:
                    yield batch

    def _readings(self, batch: pa.RecordBatch, times: Floats) -> Sequence[Event]:
        """Rows as columns; as events where some may have labels, which steps look at."""
        labels = _labels_of(batch.column("labels")) if "labels" in self._rare else []
        whole = pa.py_buffer(times)
        arrays = {
            "id": batch.column("id"),
            "time": pa.Array.from_buffers(pa.float64(), len(times), [None, whole]),
            "subject": _dictionary(batch.column("subject")),
            "metric": _dictionary(batch.column("metric")),
            "value": batch.column("value"),
            "unit": _dictionary(batch.column("unit"), lambda unit: unit or None),
            "quality": _dictionary(batch.column("quality"), _quality),
        }
        arrays |= {name: batch.column(name) for name in self._rare if name != "labels"}
        if not any(labels):
            return columns_of(arrays)
        events: list[Any] = readings_of(arrays)
        for event, given in zip(events, labels, strict=True):
            if given is not None:
                event.labels = given
        return events

    def _events(self, batch: pa.RecordBatch, times: Floats) -> list[Event]:
        rows = zip(
            _texts(batch.column("id")),
            times.tolist(),
            _words(batch.column("kind")),
            _words(batch.column("subject")),
            _texts(batch.column("data")),
            _labels_of(batch.column("labels")),
            strict=True,
        )
        events: list[Event] = []
        for id, time, kind, subject, data, labels in rows:
            fields = {
                "subject": subject,
                **_json(data),
                "kind": kind,
                "id": id,
                "time": time,
                "labels": labels or {},
            }
            events.append(msgspec.convert(fields, Event))
        return events

    def _ask(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except (ClickHouseError, OSError, pa.ArrowException) as error:
            where = f"ClickHouse at {self._connection.url}"
            text = error_text(error)
            if "Code: 516." in text or "Authentication failed" in text:
                name = self._connection.username
                raise ConnectorError(
                    f"{where} refuses user {name!r}: check username and password"
                ) from error
            if "Code: " in text:
                raise ConnectorError(
                    f"{where} does not give the rows of {self._table!r} ({text})"
                ) from error
            raise HistoryDown(f"{where} does not answer ({text}); is it running there?") from error


def _micro(time: float) -> int:
    if math.isinf(time):
        return 0 if time < 0 else int(datetime(2299, 1, 1, tzinfo=UTC).timestamp()) * _MICRO
    return round(time * _MICRO)


def _texts(column: pa.Array) -> list[Any]:
    return column.to_numpy(zero_copy_only=False).tolist() if len(column) else []


def _words(column: pa.Array, made: Callable[[str], Any] = lambda word: word) -> list[Any]:
    """Values of a dictionary column, as `made` makes them; equal ones are one object."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    words = [made(word) for word in column.dictionary.to_pylist()]
    return [words[index] for index in column.indices.to_numpy().tolist()]


def _dictionary(
    column: pa.Array, made: Callable[[str], str | None] | None = None
) -> pa.DictionaryArray:
    """A column of words as fields of readings have them, each as `made` makes it."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    indices = plain_numbers(column.indices, np.dtype(str(column.indices.type)).type)
    given, words = indices.astype(np.int32), column.dictionary
    if made is None:
        return pa.DictionaryArray.from_arrays(pa.array(given), words)
    texts = [made(word) for word in words.to_pylist()]
    nothing = np.array([text is None for text in texts], np.bool_)[given]
    return pa.DictionaryArray.from_arrays(
        pa.array(given, mask=nothing), pa.array([text or "" for text in texts], pa.string())
    )


def _quality(word: str) -> str | None:
    return word if word in QUALITIES else "bad" if word else None


def _labels_of(column: pa.Array) -> list[dict[str, str] | None]:
    """Labels, as JSON in a dictionary column; equal ones are one object, which no step changes."""
    return [
        found or None for found in _words(column, made=lambda word: _labels(word) if word else {})
    ]
