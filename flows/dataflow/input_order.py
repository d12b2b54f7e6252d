"""The order in which a shard takes its inputs: whole tables, data, then the commands after them."""

import hashlib
import math
from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from connectors.base import Batch
from connectors.kafka.compacted import row_key
from flows.dataflow.shard_state import ArrivalsState
from operators.columnar.lazy import as_list
from operators.events import Event, Row
from operators.model.tables import is_deleted

_canonical = msgspec.json.Encoder(order="sorted").encode

UNKNOWN = b""
"""In place of a row's digest: it is told as changed, and, once it is gone, as gone."""


class Arrival(NamedTuple):
    """A batch of partition `part` of a source.

    `mark` is the time up to which the partition was read, where its events went to other shards.
    """

    part: str
    source: str
    batch: Batch
    mark: float = -math.inf


class Arrivals:
    """One shard's order of arrival.

    Data wait until every table has been read. A command waits while data older than it are still
    being read after a start: what a person answered to must have happened first. Of a table only
    rows that changed since the saved state go on, and rows that vanished meanwhile come as
    deletions. Of a partition that is `ahead`, what lies before that offset was taken already.
    """

    def __init__(
        self, data: set[str], tables: set[str], ahead: Mapping[str, int] | None = None
    ) -> None:
        self._ahead = dict(ahead or {})
        self._behind = set(data)
        self._tables = tables
        self._unread = set(tables)
        self._walls: dict[str, float] = {}
        self._early: deque[Arrival] = deque()
        self._commands: deque[Arrival] = deque()
        self._seen: dict[str, int] = {}
        self._known: dict[str, dict[str, bytes]] = {}

    def take(self, arrival: Arrival, side: bool) -> Iterator[Arrival]:
        """What may be processed now, in order; `side` tells tables and commands from data."""
        if arrival.part in self._tables:
            events = self._changes(arrival)
            self._unread.discard(arrival.part)
            if events:
                yield arrival._replace(
                    batch=Batch(events, max(event.time for event in events), True)
                )
            while self._early and not self._unread:
                yield self._data(self._early.popleft())
        elif side:
            place = arrival.batch.next_offset
            if arrival.batch.recreated:
                self._seen.pop(arrival.part, None)
            if place is None or place > self._seen.get(arrival.part, -1):
                if place is not None:
                    self._seen[arrival.part] = place
                if arrival.batch.events:
                    self._commands.append(arrival)
        else:
            arrival = self._after_what_was_taken(arrival)
            if self._unread:
                self._early.append(arrival)
            else:
                yield self._data(arrival)
        while self._commands and self._is_due(self._commands[0]):
            yield self._commands.popleft()

    def is_waiting(self) -> bool:
        """Whether a table is unread or data lag behind, so that the wall clock moves no time."""
        return bool(self._unread or self._behind)

    def _after_what_was_taken(self, arrival: Arrival) -> Arrival:
        if not self._ahead or (before := self._ahead.get(arrival.part)) is None:
            return arrival
        place = arrival.batch.next_offset
        if place is None:  # what waited when its position was saved
            return arrival
        if place > before or arrival.batch.recreated:
            del self._ahead[arrival.part]
            return arrival
        return arrival._replace(batch=arrival.batch._replace(events=[], arrivals=()))

    def _data(self, arrival: Arrival) -> Arrival:
        if arrival.batch.live:
            self._behind.discard(arrival.part)
        self._walls[arrival.part] = max(
            arrival.batch.wall, self._walls.get(arrival.part, arrival.batch.wall)
        )
        return arrival

    def _is_due(self, command: Arrival) -> bool:
        wall = command.batch.wall
        return not self._unread and all(self._walls.get(part, -1.0) > wall for part in self._behind)

    def _changes(self, arrival: Arrival) -> list[Event]:
        known = self._known.setdefault(arrival.part, {})
        events: list[Event] = []
        present: set[str] = set()
        for event in arrival.batch.events:
            key = row_key(event)
            present.add(key)
            if is_deleted(event):
                if known.pop(key, None) is not None:
                    events.append(event)
                continue
            content = _digest(event)
            if known.get(key) != content:
                known[key] = content
                events.append(event)
        if arrival.batch.whole:
            for key in [key for key in known if key not in present]:
                del known[key]
                events.append(_gone(arrival, key))
        return events

    def snapshot(self) -> ArrivalsState:
        """What must survive a restart."""
        return ArrivalsState(
            dict(self._seen),
            {part: dict(rows) for part, rows in self._known.items()},
            [
                (part, source, tuple(batch._replace(events=as_list(batch.events))))  # type: ignore[misc]
                for part, source, batch, _ in (*self._early, *self._commands)
            ],
        )

    def restore(self, state: ArrivalsState) -> None:
        """Take back what `snapshot` returned."""
        self._seen = dict(state.seen)
        self._known = {
            part: dict(rows) for part, rows in state.known.items() if part in self._tables
        }
        for part, source, batch in state.waiting:
            arrival = Arrival(part, source, Batch(*batch)._replace(live=False))
            (self._early if part in self._behind else self._commands).append(arrival)


def _digest(row: Event) -> bytes:
    content = row.values if isinstance(row, Row) else row.data  # type: ignore[union-attr]
    return hashlib.blake2b(_canonical(content), digest_size=16).digest()


def _gone(arrival: Arrival, key: str) -> Row:
    """A row that left the table unseen; it is told at the time of the newest row there is."""
    topic = arrival.part.partition(":")[2]
    return Row(
        id=f"{topic}/gone/{key}",
        time=arrival.batch.wall,
        table=topic,
        op="delete",
        values={"id": key},
    )
