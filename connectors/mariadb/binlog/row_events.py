"""Events of the rows of one packet, in the way of their table."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from connectors.mariadb.binlog import packets as wire
from connectors.mariadb.binlog.gtids import LogPosition
from connectors.mariadb.binlog.row_decoder import RowDecoder
from connectors.mariadb.binlog.table_map import Table
from connectors.mariadb.homeassistant_recorder import STATES, Recorder, inserted, lazy_rows
from operators.columnar.lazy_rows import LazyRows, RowLayout
from operators.events import Row

Rows = list[dict[str, Any]]
Op = Literal["insert", "update", "delete"]
Change = tuple[Op, dict[str, Any], dict[str, Any]]
"""(operation, row before, row after); `{}` where there is none."""
END_OF_TIME = tuple(
    datetime.datetime.fromisoformat(text)
    for text in ("2038-01-19T03:14:07.999999+00:00", "2106-02-07T06:28:15.999999+00:00")
)
"""The end of rows that have not ended; the second from MariaDB 11.5 on."""


@dataclass
class Transaction:
    """The transaction whose rows are read.

    It was `committed` at that time (epoch seconds); `seen` rows of it are events already.
    """

    gtid: str = ""
    committed: float = 0.0
    seen: int = 0


@dataclass
class Watched:
    """A table whose rows become events."""

    table: Table
    decoder: RowDecoder
    recorder: Recorder | None

    @cached_property
    def layout(self) -> RowLayout:
        """What its rows have in common where they are tuples."""
        names = [column.name for column in self.table.columns]
        return RowLayout(self.table.full_name, names, f"{STATES}/", "state_id", self.decoder.later)


@dataclass(frozen=True)
class Unreadable:
    """A table whose rows cannot be read, and why."""

    reason: str
    detail: str


def events_of(
    watched: Watched,
    op: Op,
    images: tuple[Rows, Rows],
    transaction: Transaction,
    position: LogPosition,
) -> tuple[list[Row], dict[str, int]]:
    """The events of rows before and after their change, and counts of those that make none."""
    before, after = images
    if watched.recorder is None:
        return _plain(watched.table, op, before, after, transaction), {}
    if watched.table.name == STATES:
        return _states(watched, op, before, after, transaction, position)
    watched.recorder.learn(watched.table.name, after)
    return [], {}


def _states(
    watched: Watched, op: Op, before: Rows, after: Rows, transaction: Transaction, at: LogPosition
) -> tuple[list[Row], dict[str, int]]:
    table, recorder = watched.table, watched.recorder
    assert recorder is not None
    if op == "insert":
        recorder.resolve(after)
        _note(at, table.schema, after[-1].get("state_id", 0))
        return inserted(table.full_name, after, transaction.committed), {}
    if op == "delete":
        return [], {"purged": len(before)}
    rows = [new for old, new in zip(before, after, strict=True) if recorder.changed(old, new)]
    recorder.resolve(rows)
    events = inserted(table.full_name, rows, transaction.committed)
    for n, event in enumerate(events, transaction.seen):
        event.op = "update"
        event.id = f"{event.id}/{transaction.gtid}.{n}"
    left_out = len(after) - len(rows)
    return events, {"bookkeeping": left_out} if left_out else {}


def lazy_states(
    watched: Watched, packet: bytes, kind: wire.Rows, at: LogPosition
) -> LazyRows | None:
    """New rows of a recorder's `states` as tuples; None where they are better rows."""
    if watched.recorder is None or watched.table.name != STATES:
        return None
    rows = watched.decoder.tuples(packet, len(packet), kind)
    events = lazy_rows(watched.recorder, watched.layout, rows) if rows else None
    if events is not None:
        _note(at, watched.table.schema, (events.column("state_id") or [0])[-1])
    return events


def _note(at: LogPosition, schema: str, state_id: int) -> None:
    at.state_ids[schema] = max(at.state_ids.get(schema, 0), state_id)


def _plain(table: Table, op: Op, before: Rows, after: Rows, transaction: Transaction) -> list[Row]:
    changes = _changes(op, before, after)
    if table.ends is not None:
        changes = _without_history(table.ends, changes)
    events = []
    for n, (what, old, new) in enumerate(_other_rows(table, changes), transaction.seen):
        values = new or old
        for name in table.hidden:
            values.pop(name, None)
        key = "/".join(str(values.get(name)) for name in table.key)
        events.append(
            Row(
                id=f"{table.name}/{key}/{transaction.gtid}.{n}",
                time=transaction.committed,
                table=table.full_name,
                op=what,
                values=values,
            )
        )
    return events


def _changes(op: Op, before: Rows, after: Rows) -> Iterator[Change]:
    if op == "update":
        return ((op, old, new) for old, new in zip(before, after, strict=True))
    return ((op, row, {}) for row in before) if op == "delete" else ((op, {}, row) for row in after)


def _without_history(ends: str, changes: Iterable[Change]) -> Iterator[Change]:
    """What happened to the rows of today of a system-versioned table.

    A row whose end is set is deleted by that; one that has ended is history, which makes no events.
    """
    for _, old, new in changes:
        was = bool(old) and old.get(ends, END_OF_TIME[0]) in END_OF_TIME
        is_now = bool(new) and new.get(ends, END_OF_TIME[0]) in END_OF_TIME
        if was and is_now:
            yield "update", old, new
        elif was:
            yield "delete", old, {}
        elif is_now:
            yield "insert", {}, new


def _other_rows(table: Table, changes: Iterable[Change]) -> Iterator[Change]:
    """A row that gets another key is another row: the old one is deleted."""
    for op, old, new in changes:
        if op == "update" and any(old.get(name) != new.get(name) for name in table.key):
            yield "delete", old, {}
            yield "insert", {}, new
        else:
            yield op, old, new
