"""Endpoints of the site's events: post, find, count and acknowledge them."""

import asyncio
import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import JSONResponse, Response

from api.database.models import LONGEST_ID
from api.permissions.visibility import Visibility
from api.push.live_permissions import LivePermissions
from api.push.updates import EVENTS
from api.routes.parameters import Moment, PageToken, page_token, read_page_token
from api.site.acknowledgements import Acknowledgements
from api.site.event_search import CHUNK, DAY, ROUNDS, EventFilter, EventSearch
from api.site.event_view import AcknowledgementView, EventView, sort_key
from api.site.evidence import EventEvidence
from api.site.posted_events import PostedEvents
from api.topics.notifications import Notifications
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import RETRY_AFTER, Rejected
from connectors.http.body import BadPost

TAG = "Events"
LONGEST_KEY = 256
EventKey = tuple[Annotated[int, Meta(ge=0, lt=1 << 62)], str]
Word = Annotated[str, Meta(max_length=200)]


class FilterQuery(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """Which events."""

    type: Word | None = None
    kind: Word | None = None
    subject: Word | None = None
    camera: Word | None = None
    start: Moment | None = None
    end: Moment | None = None


class EventQuery(FilterQuery, rename={"start": "from", "end": "to"}):
    """Which events, and which part of them."""

    acknowledged: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    after: PageToken | None = None


class EventPage(msgspec.Struct):
    """Events, newest first. `next` is for the page after; null on the last one.

    `complete` is false while only the latest events are known, because ClickHouse does not answer
    or none is configured.
    """

    events: list[EventView]
    next: str | None
    complete: bool


class StatsQuery(FilterQuery, rename={"start": "from", "end": "to"}):
    """Which events to count; without a span, those of the last day."""


class HourCount(msgspec.Struct):
    """How many events in the hour that began at `time`."""

    time: int
    events: int


class EventStats(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """Counts. `acknowledged` counts all acknowledged events of the span."""

    start: float
    end: float
    total: int
    acknowledged: int
    by_type: dict[str, int]
    by_subject: dict[str, int]
    by_hour: list[HourCount]
    complete: bool


class EventId(msgspec.Struct):
    """Which event."""

    id: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00]*$")]


class Note(msgspec.Struct):
    """A comment on an acknowledgement."""

    comment: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*$")] | None = None


class Stored(msgspec.Struct):
    """How many events were stored."""

    stored: int


class PostedDetails(msgspec.Struct):
    """Details of a posted event; other fields are kept as well."""

    event_id: str | int | None = None
    source: str | None = None
    data: Any = None
    original_timestamp: float | str | None = None
    mqtt_topic: str | None = None


class PostedEvent(msgspec.Struct):
    """An event as programs post it."""

    type: str
    device_id: str
    details: PostedDetails


class EventEndpoints:
    """Answer for events."""

    def __init__(
        self,
        search: EventSearch,
        acknowledgements: Acknowledgements,
        posted: PostedEvents,
        notifications: Notifications,
        permissions: LivePermissions,
        evidence: EventEvidence,
    ) -> None:
        self._evidence = evidence
        self._search = search
        self._permissions = permissions
        self._acknowledgements = acknowledgements
        self._posted = posted
        self._notifications = notifications

    def endpoints(self) -> list[Endpoint]:
        """Finding, posting, counting and acknowledging events."""
        return [
            Endpoint(
                "GET",
                "/api/events",
                self.find,
                TAG,
                "Find events",
                EventPage,
                query=EventQuery,
                outside=True,
            ),
            Endpoint(
                "POST",
                "/api/events",
                self.post,
                TAG,
                "Post events",
                Stored,
                role="operator",
                body=bytes,
                body_type=PostedEvent | list[PostedEvent],
                devices=True,
                whole_site=True,
                status=202,
                errors=(400, 429, 503),
            ),
            Endpoint(
                "GET",
                "/api/events/stats",
                self.stats,
                TAG,
                "Count events",
                EventStats,
                query=StatsQuery,
                outside=True,
            ),
            Endpoint(
                "POST",
                "/api/events/{id:path}/acknowledge",
                self.acknowledge,
                TAG,
                "Take note of an event",
                AcknowledgementView,
                role="operator",
                path=EventId,
                body=Note,
                body_optional=True,
                errors=(404, 503),
                outside=True,
            ),
            Endpoint(
                "GET",
                "/api/events/{id:path}",
                self.show,
                TAG,
                "One event",
                EventView,
                path=EventId,
                errors=(404, 503),
                outside=True,
            ),
        ]

    async def find(self, call: Call) -> EventPage:
        """Events of ClickHouse's table `events` and the latest ones from topics, newest first."""
        query: EventQuery = call.query
        seen_by = await self._permissions.visibility(call.who)
        wanted = _wanted(query, seen_by)
        before = None if query.after is None else read_page_token(query.after, EventKey)
        found: list[EventView] = []
        complete, more = True, True
        for _ in range(ROUNDS):
            rows = query.limit if query.acknowledged is None else max(query.limit, CHUNK)
            events, more, asked = await self._search.before(wanted, before, rows)
            complete = complete and asked
            await self._attach(events)
            if events:
                before = sort_key(events[-1])
            found += [e for e in events if query.acknowledged in (None, e.acknowledged is not None)]
            if not more or len(found) >= query.limit:
                break
        if len(found) > query.limit:
            found, more = found[: query.limit], True
            before = sort_key(found[-1])
        await self._evidence.attach(found, seen_by)
        return EventPage(found, page_token(before) if more and before else None, complete)

    async def post(self, call: Call) -> Response:
        """Writes one event, or a list of them, to the topic `site.events`.

        202 means that the broker has all of them; after any other answer nothing is known to be
        stored, and the sender should send again. Events with the same `event_id` are the same
        event. The header `Idempotency-Key` does that for events without one. The token may be one
        of the site file's connection `http`.
        """
        key = call.request.headers.get("idempotency-key")
        if key is not None and not 0 < len(key) <= LONGEST_KEY:
            raise Rejected(
                400, f"expected an Idempotency-Key of 1 to {LONGEST_KEY} characters, got {len(key)}"
            )
        try:
            stored = await self._posted.store(call.body, key)
        except BadPost as refusal:
            content: dict[str, object] = {"error": refusal.detail}
            if refusal.item is not None:
                content["item"] = refusal.item
            headers = {"Retry-After": RETRY_AFTER} if refusal.status == 429 else None
            return JSONResponse(content, refusal.status, headers)
        return JSONResponse({"stored": stored}, 202)

    async def stats(self, call: Call) -> EventStats:
        """Numbers of events by type, subject and hour; without `from` or `to`, of the last day."""
        query: StatsQuery = call.query
        end = time.time() if query.end is None else query.end
        start = end - DAY if query.start is None else query.start
        seen_by = await self._permissions.visibility(call.who)
        wanted = EventFilter(
            query.type, query.kind, query.subject, query.camera, max(0.0, start), end, seen_by
        )
        counted = await self._search.count(wanted)
        acknowledged = await asyncio.to_thread(self._acknowledgements.count, start, end, seen_by)
        hours = [HourCount(hour, events) for hour, events in sorted(counted.hours.items())]
        types, subjects = dict(counted.types.most_common()), dict(counted.subjects.most_common(500))
        return EventStats(
            start,
            end,
            counted.types.total(),
            acknowledged,
            types,
            subjects,
            hours,
            counted.complete,
        )

    async def show(self, call: Call) -> EventView:
        """One event by its id."""
        event = await self._one(call)
        await self._attach([event])
        await self._evidence.attach([event], await self._permissions.visibility(call.who))
        return event

    async def acknowledge(self, call: Call) -> AcknowledgementView:
        """Acknowledges an event; the first one counts. Subscribers of `events` are told."""
        event = await self._one(call)
        comment = call.body.comment if call.body else None
        view, new = await asyncio.to_thread(
            self._acknowledgements.add, event, call.who, comment, address_of(call.request)
        )
        if new:
            data = {"event": event.id, "by": view.by, "at": view.at, "comment": view.comment}
            page, camera = event.labels.get("page"), event.labels.get("camera")
            self._notifications.publish(
                (EVENTS,), "acknowledged", event.subject, data, page=page, camera=camera
            )
        return view

    async def _one(self, call: Call) -> EventView:
        seen_by = await self._permissions.visibility(call.who)
        event = await self._search.one(call.path.id, seen_by)
        if event is None:
            raise Rejected(404, f"there is no event {call.path.id[:100]!r}")
        return event

    async def _attach(self, events: list[EventView]) -> None:
        found = await asyncio.to_thread(self._acknowledgements.of, [event.id for event in events])
        for event in events:
            event.acknowledged = found.get(event.id)


def _wanted(query: EventQuery, seen_by: Visibility) -> EventFilter:
    return EventFilter(
        query.type, query.kind, query.subject, query.camera, query.start, query.end, seen_by
    )
