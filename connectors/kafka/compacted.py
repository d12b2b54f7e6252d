"""Reading a compacted topic as a table: whole at first, then row by row."""

import time
from typing import Any

import msgspec

from connectors.base import Batch
from connectors.kafka.consumer import Restart, TopicReader
from connectors.kafka.log.record_batches import KeyedChunk
from connectors.kafka.log.record_time import written_at
from connectors.runtime import steady_clock
from operators.events import Event, Occurrence, Reading, Row, received_lines
from operators.model.fields import value_of
from operators.model.tables import is_deleted, row_of

_decode = msgspec.json.Decoder().decode


class TableReader(TopicReader):
    """Reads one partition of a table; its first batch is the whole table, at every start.

    A record's value is one row: a JSON object, whose `id` is the record's key if it has none of its
    own, or an occurrence with the row as its data. A record without a value deletes the row of its
    key. Of the readings of a signal the one of the latest time counts, whenever it came.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.start = None
        self._whole = False
        self._rows: dict[str, Event] = {}
        self._ids: dict[str, str] = {}  # of rows whose id is not their record's key
        self._times: dict[str, float] = {}  # of rows that are readings

    def read(self) -> Batch | None:
        """The rows that came; None if there are none."""
        self._poller.begin()
        caught_up = self.caught_up
        rows: list[Event] = []
        size, newest = 0, 0.0
        while self.buffer:
            chunk: Any = self.buffer.popleft()
            if isinstance(chunk, Restart):
                caught_up = self._whole = False
                rows, self._rows, self._ids, self._times = [], {}, {}, {}
                continue
            size += chunk.size
            newest = written_at(chunk.timestamp, steady_clock.now())
            rows += self._read_chunk(chunk)
        if size:
            self.bytes_out += size
            self._poller.records_taken()
        if self._whole:
            return Batch(rows, newest, True) if rows else None
        for row in rows:
            self._keep(row)
        if not caught_up:
            return None
        self._whole = True
        gathered, self._rows = list(self._rows.values()), {}
        wall = max((row.time for row in gathered), default=time.time())
        return Batch(gathered, wall, True, whole=True)

    def _keep(self, row: Event) -> None:
        key = row_key(row)
        self._rows.pop(key, None)
        if not is_deleted(row):
            self._rows[key] = row

    def position(self) -> object:
        """None: a table has no position."""
        return None

    def _read_chunk(self, chunk: KeyedChunk) -> list[Event]:
        rows: list[Event] = []
        now = steady_clock.now()
        for offset, key, value, timestamp in zip(
            chunk.offsets, chunk.keys, chunk.values, chunk.timestamps, strict=True
        ):
            at = written_at(timestamp, now)
            name = key.decode("utf-8", "replace") if key else None
            if value is None:
                if name is not None:
                    row_id = self._ids.pop(name, name)
                    self._times.pop(row_id, None)
                    rows.append(self._row(offset, 0, at, {"id": row_id}, "delete"))
                continue
            lines = [line for line in value.split(b"\n") if line.strip()]
            for number, line in enumerate(lines):
                try:
                    row = self._read_line(
                        offset, number, at, name if len(lines) == 1 else None, line
                    )
                    if row is None:
                        continue
                    if name is not None and row_key(row) != name:
                        self._ids[name] = row_key(row)
                    rows.append(row)
                except ValueError as error:  # msgspec's errors are ValueErrors, too
                    self._dead_letter("bad_row", str(error), offset, timestamp, number, line)
        return rows

    def _read_line(
        self, offset: int, number: int, at: float, name: str | None, line: bytes
    ) -> Event | None:
        """The row of a line; None for a reading that is older than its signal's row."""
        values = _decode(line)
        if not isinstance(values, dict):
            raise ValueError(f"expected a row as a JSON object, got {type(values).__name__}")
        if "kind" in values:
            event = received_lines(line)[0]
            if isinstance(event, Reading):
                return self._signal_row(offset, number, at, event, name)
            if not isinstance(event, Row | Occurrence):
                raise ValueError(f"expected a row, got an event of kind {values['kind']!r}")
            row_key(event)
            event.time = min(event.time, at)  # no row is told before it was written
            return event
        if values.get("id") is None and name is None:
            raise ValueError("a row needs an 'id', or its record a key")
        return self._row(
            offset,
            number,
            at,
            {**values, "id": name} if values.get("id") is None else values,
            "update",
        )

    def _signal_row(
        self, offset: int, number: int, at: float, event: Reading, name: str | None
    ) -> Event | None:
        """A reading as the row of its signal."""
        row_id, time = name or f"{event.subject}/{event.metric}", min(event.time, at)
        if time < self._times.get(row_id, time):
            return None
        self._times[row_id] = time
        about = {"subject": event.subject, "metric": event.metric, "value": value_of(event)}
        values = {**event.labels, "id": row_id, **about}
        return self._row(offset, number, at, values, "update")

    def _row(self, offset: int, number: int, at: float, values: dict[str, Any], op: Any) -> Row:
        tp = self.tp
        id = f"{tp.topic}/{tp.partition}/{offset}" + (f"/{number}" if number else "")
        return Row(id=id, time=at, table=tp.topic, op=op, values=values)


def row_key(row: Event) -> str:
    """What tells a row of a table from others: its `id`; raises `ValueError` where it has none."""
    key = row_of(row).get("id")
    if key in (None, ""):
        raise ValueError("a row needs an 'id'")
    return str(key)
