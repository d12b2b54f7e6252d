"""Search of events: the past in ClickHouse, the latest as they came over topics."""

import collections
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from api.permissions.visibility import EVERYTHING, Visibility
from api.push.last_values import RecentEvents
from api.site.clickhouse_history import ClickHouseHistory
from api.site.event_view import EventView, SortKey, micros, of_event, of_row, sort_key
from api.site.visible_rows import visible_rows
from api.web.errors import Unavailable
from connectors.s3.evidence import TYPE as EVIDENCE

CHUNK = 500
ROUNDS = 20
STATS_IDS = 100_000
DAY = 86_400.0

# Table and column names are ours; everything a client chooses is a bound parameter.
_FIND = """
SELECT id, toUnixTimestamp64Micro(events.time) AS at, kind, subject, type, data, labels
FROM events FINAL WHERE {where} ORDER BY events.time DESC, id DESC LIMIT {{rows:UInt32}}
"""
_ONE = """
SELECT id, toUnixTimestamp64Micro(events.time) AS at, kind, subject, type, data, labels
FROM events FINAL WHERE id = {id:String} LIMIT 1
"""
_COUNT = """
SELECT type, subject, intDiv(toUnixTimestamp64Micro(events.time), 3600000000) * 3600 AS hour,
       count() AS events
FROM events FINAL WHERE {where} GROUP BY type, subject, hour ORDER BY hour LIMIT 100000
"""
_EVIDENCE = """
SELECT id, toUnixTimestamp64Micro(events.time) AS at, kind, subject, type, data, labels
FROM events FINAL
WHERE subject IN {subjects:Array(String)} AND type = 'evidence' AND kind = 'occurrence'
  AND events.time >= fromUnixTimestamp64Micro({start:Int64})
  AND events.time <= fromUnixTimestamp64Micro({end:Int64})
  AND JSONExtractString(data, 'data', 'event') IN {ids:Array(String)} LIMIT 10000
"""
_IDS = """
SELECT DISTINCT id FROM events WHERE {where} LIMIT {{rows:UInt32}}
"""


@dataclass(frozen=True)
class EventFilter:
    """Which events; None means any. Times in epoch seconds, `start` included, `end` not.

    `seen_by` is what whoever asks may see: other events are not there. What was told of evidence
    belongs to other events, and is found only by its type.
    """

    type: str | None = None
    kind: str | None = None
    subject: str | None = None
    camera: str | None = None
    start: float | None = None
    end: float | None = None
    seen_by: Visibility = EVERYTHING

    def fits(self, event: EventView) -> bool:
        """Whether an event is one of them."""
        return (
            self.type in (None, event.type)
            and self.kind in (None, event.kind)
            and self.subject in (None, event.subject)
            and (self.camera is None or self.camera in (event.subject, event.labels.get("camera")))
            and (event.type != EVIDENCE or self.type == EVIDENCE)
            and (self.start is None or event.time >= self.start)
            and (self.end is None or event.time < self.end)
            and self.seen_by.allows_event(event.subject, event.labels)
        )

    def statement(
        self, template: str, before: SortKey | None = None, **bound: Any
    ) -> tuple[str, dict[str, Any]]:
        """The statement of a template, and its bound parameters."""
        parts = ["1"]
        for name in ("type", "kind", "subject"):
            if getattr(self, name) is not None:
                parts.append(f"{name} = {{{name}:String}}")
                bound[name] = getattr(self, name)
        if self.camera is not None:
            parts.append("(subject = {camera:String} OR labels['camera'] = {camera:String})")
            bound["camera"] = self.camera
        if self.type != EVIDENCE:
            parts.append(f"NOT (kind = 'occurrence' AND type = '{EVIDENCE}')")
        for name, sign, limit in (("start", ">=", self.start), ("end", "<", self.end)):
            if limit is not None:
                parts.append(f"events.time {sign} fromUnixTimestamp64Micro({{{name}:Int64}})")
                bound[name] = micros(limit)
        seen, bound_seen = visible_rows(self.seen_by)
        parts += seen
        bound |= bound_seen
        if before is not None:
            parts.append(
                "(events.time, id) < (fromUnixTimestamp64Micro({at:Int64}), {before:String})"
            )
            bound |= {"at": before[0], "before": before[1]}
        return template.format(where=" AND ".join(parts)), bound


@dataclass
class EventTotals:
    """Numbers of events by type, subject and hour."""

    types: collections.Counter[str]
    subjects: collections.Counter[str]
    hours: collections.Counter[int]
    complete: bool = True

    def add(self, type: str, subject: str, hour: int, events: int) -> None:
        """Count events."""
        self.types[type] += events
        self.subjects[subject] += events
        self.hours[hour] += events


class EventSearch:
    """Both sources as one, newest first; an event that is in both is one event."""

    def __init__(self, history: ClickHouseHistory, recent: RecentEvents) -> None:
        self._history = history
        self._recent = recent

    async def before(
        self, wanted: EventFilter, before: SortKey | None, rows: int
    ) -> tuple[list[EventView], bool, bool]:
        """The next `rows` events older than `before`.

        Also whether there may be more, and whether ClickHouse was asked.
        """
        recent = [view for event in self._recent.all() if wanted.fits(view := of_event(event))]
        recent = [event for event in recent if before is None or sort_key(event) < before]
        archived, complete = await self._archived(wanted, before, rows)
        full = len(archived) >= rows
        if full:
            oldest = sort_key(archived[-1])
            recent = [event for event in recent if sort_key(event) > oldest]
        found = {event.id: event for event in (*recent, *archived)}
        merged = sorted(found.values(), key=sort_key, reverse=True)
        return merged[:rows], full or len(merged) > rows, complete

    async def one(self, id: str, seen_by: Visibility) -> EventView | None:
        """One event; None where there is none for who asks.

        Raises `Unavailable` where only ClickHouse could tell.
        """
        event = await self._one(id)
        allowed = event is not None and seen_by.allows_event(event.subject, event.labels)
        return event if allowed else None

    async def _one(self, id: str) -> EventView | None:
        recent = self._recent.get(id)
        if recent is not None:
            return of_event(recent)
        if not self._history.configured:
            return None
        rows = await self._history.rows(_ONE, {"id": id})
        return of_row(rows[0]) if rows else None

    async def evidence(self, events: Sequence[EventView]) -> dict[str, list[EventView]]:
        """What was told of the evidence of events, by their id; nothing while nobody answers."""
        if not events or not self._history.configured:
            return {}
        times = [micros(event.time) for event in events]
        bound = {
            "ids": [event.id for event in events],
            "subjects": sorted({event.subject for event in events}),
            "start": min(times),
            "end": max(times),
        }
        found: dict[str, list[EventView]] = {}
        try:
            for row in await self._history.rows(_EVIDENCE, bound):
                view = of_row(row)
                found.setdefault(str(view.data.get("event")), []).append(view)
        except Unavailable:
            return {}
        return found

    async def count(self, wanted: EventFilter) -> EventTotals:
        """Totals by type, subject and hour (epoch seconds of its beginning)."""
        counted = EventTotals(collections.Counter(), collections.Counter(), collections.Counter())
        recent = [view for event in self._recent.all() if wanted.fits(view := of_event(event))]
        known: set[str] = set()
        try:
            if not self._history.configured:
                raise Unavailable("")
            for row in await self._history.rows(*wanted.statement(_COUNT)):
                counted.add(row["type"], row["subject"], int(row["hour"]), int(row["events"]))
            if recent:
                known = await self._known(wanted, recent)
        except Unavailable:
            counted.complete = False
        for event in recent:
            if event.id not in known:
                counted.add(event.type, event.subject, int(event.time // 3600) * 3600, 1)
        return counted

    async def _archived(
        self, wanted: EventFilter, before: SortKey | None, rows: int
    ) -> tuple[Sequence[EventView], bool]:
        if not self._history.configured:
            return [], False
        try:
            found = await self._history.rows(*wanted.statement(_FIND, before, rows=rows))
        except Unavailable:
            return [], False
        return [of_row(row) for row in found], True

    async def _known(self, wanted: EventFilter, recent: Iterable[EventView]) -> set[str]:
        """Which of the recent events ClickHouse has too."""
        since = min(event.time for event in recent)
        narrowed = EventFilter(
            start=since if wanted.start is None else max(since, wanted.start), end=wanted.end
        )
        return {
            row["id"] for row in await self._history.rows(*narrowed.statement(_IDS, rows=STATS_IDS))
        }
