"""Endpoints of evidence: the picture, the small picture and the clip of an event."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta
from starlette.responses import Response, StreamingResponse

from api.push.live_permissions import LivePermissions
from api.routes.events import TAG, EventId
from api.secret_repr import redacted
from api.site.event_search import EventSearch
from api.site.event_view import EvidenceView
from api.site.evidence import EventEvidence
from api.site.evidence_pins import EvidencePins
from api.site.evidence_store import ADDRESS_LASTS, EvidenceStore
from api.topics.outbox import Outbox
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected
from connectors.s3.evidence import STORED

NO_STORE = {"Cache-Control": "private, no-store"}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class EvidenceQuery(msgspec.Struct):
    """What to answer with. `token` is for `<img>` and `<video>`, which cannot set headers."""

    address: Annotated[
        bool, Meta(description="Answer with an address of the object that lasts five minutes.")
    ] = False
    drawn: Annotated[bool, Meta(description="The picture with its box, where there is one.")] = (
        False
    )
    token: str | None = None

    __repr__ = redacted


class EvidenceAddress(msgspec.Struct):
    """An address of one object, and for how many seconds it is good."""

    address: str
    lasts: int


class PinView(msgspec.Struct):
    """Whether the evidence of an event is kept, whatever the site's rules say."""

    pinned: bool


class Wanted(NamedTuple):
    """An object of evidence."""

    bucket: str
    key: str
    type: str


class EvidenceEndpoints:
    """Answer with pictures and clips."""

    def __init__(
        self,
        search: EventSearch,
        evidence: EventEvidence,
        store: EvidenceStore,
        permissions: LivePermissions,
        pins: EvidencePins,
        outbox: Outbox,
    ) -> None:
        self._pins = pins
        self._outbox = outbox
        self._search = search
        self._evidence = evidence
        self._store = store
        self._permissions = permissions

    def endpoints(self) -> list[Endpoint]:
        """The routes of one event's evidence; they come before the event's own."""

        def media(
            word: str, do: Callable[[Call], Awaitable[object]], summary: str, media: str
        ) -> Endpoint:
            return Endpoint(
                "GET",
                f"/api/events/{{id:path}}/{word}",
                do,
                TAG,
                summary,
                path=EventId,
                query=EvidenceQuery,
                media=media,
                errors=(404, 416, 503),
                outside=True,
            )

        return [
            media("snapshot", self.snapshot, "The picture of an event", "image/jpeg"),
            media("thumbnail", self.thumbnail, "The small picture of an event", "image/jpeg"),
            media("clip", self.clip, "The video of an event", "video/mp4"),
            Endpoint(
                "PUT",
                "/api/events/{id:path}/pin",
                self.pin,
                TAG,
                "Keep the evidence of an event",
                PinView,
                role="operator",
                path=EventId,
                body=PinView,
                errors=(404, 503),
                outside=True,
            ),
        ]

    async def snapshot(self, call: Call) -> object:
        """The picture that a sink `snapshot` stored.

        With `drawn` the one with its box, where there is one. An event that is not there, has no
        picture, or is of a camera that the account may not see, answers the same: 404.
        """
        view = await self._stored(call, "snapshot")
        key = view.drawn if call.query.drawn and view.drawn else view.key
        return await self._answer(call, view, key)

    async def thumbnail(self, call: Call) -> object:
        """The small picture, or the whole one where the sink makes none."""
        view = await self._stored(call, "snapshot")
        return await self._answer(call, view, view.thumbnail or view.key)

    async def clip(self, call: Call) -> object:
        """The video that a sink `clip` stored; a part of it with the header `Range`."""
        view = await self._stored(call, "clip")
        return await self._answer(call, view, view.key)

    async def pin(self, call: Call) -> PinView:
        """Keeps the pictures and clips of an event, or lets them be deleted in their time."""
        seen_by = await self._permissions.visibility(call.who)
        event = await self._search.one(call.path.id, seen_by)
        if event is None:
            raise Rejected(404, f"there is no event {call.path.id[:100]!r}")
        pinned, address = call.body.pinned, address_of(call.request)
        await asyncio.to_thread(self._pins.set, event.id, pinned, call.who, address)
        self._outbox.wake()
        return PinView(pinned)

    async def _stored(self, call: Call, kind: str) -> EvidenceView:
        seen_by = await self._permissions.visibility(call.who)
        event = await self._search.one(call.path.id, seen_by)
        if event is not None:
            await self._evidence.attach([event], seen_by)
            for view in event.evidence:
                if (view.kind, view.state) == (kind, STORED):
                    return view
        raise Rejected(404, f"there is no {kind} of an event {call.path.id[:100]!r}")

    async def _answer(self, call: Call, view: EvidenceView, key: str | None) -> object:
        bucket = view.bucket or ""
        size = None if key is None else await asyncio.to_thread(self._store.size, bucket, key)
        if key is None or size is None:
            raise Rejected(404, f"there is no {view.kind} of an event {call.path.id[:100]!r}")
        if call.query.address:
            address = await asyncio.to_thread(self._store.address, bucket, key)
            data = msgspec.json.encode(EvidenceAddress(address, ADDRESS_LASTS))
            return Response(data, media_type="application/json", headers=NO_STORE)
        start, end, part = _part(call.request.headers.get("range"), size)
        headers = NO_STORE | {
            "Accept-Ranges": "bytes",
            "Content-Length": str(end - start),
            "Content-Disposition": "inline",
        }
        if part:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        body = self._store.stream(bucket, key, start, end - start)
        type_ = view.type or "application/octet-stream"
        return StreamingResponse(body, 206 if part else 200, headers, type_)


def _part(header: str | None, size: int) -> tuple[int, int, bool]:
    """First byte, byte after the last, and whether that is only a part (RFC 9110, section 14).

    Several ranges, and units other than bytes, are answered with the whole.
    """
    found = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if found is None or not any(found.groups()) or size == 0:
        return 0, size, False
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if start >= end:
        raise Rejected(
            416, f"expected a part of {size} bytes", {"Content-Range": f"bytes */{size}"}
        )
    return start, end, True
