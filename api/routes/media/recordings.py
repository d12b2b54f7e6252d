"""Endpoints of what cameras recorded: the spans there are, and pieces of video from them."""

import asyncio
import http.client
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from starlette.responses import Response

from api.permissions.visibility import Visibility
from api.push.live_permissions import LivePermissions
from api.routes.cameras import TAG
from api.routes.media.evidence import NO_STORE
from api.site.evidence_store import EvidenceStore
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected
from connectors.runtime.tickets import signed

WAIT = 30.0
LARGEST = 256 << 20
Time = Annotated[float, Meta(ge=0, le=4e9)]
Camera = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class RecordingQuery(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """Which camera, from when to when (epoch seconds)."""

    camera: Camera
    start: Time
    end: Time


class Recorded(msgspec.Struct, rename={"start": "from", "end": "to"}, order=True):
    """A span in which a camera recorded, in epoch seconds."""

    start: float
    end: float


class RecordingList(msgspec.Struct):
    """The spans in which a camera recorded, oldest first."""

    recordings: list[Recorded]


class RecordingEndpoints:
    """Asks the flows of the site file's `api: {flows: …}`, which hold what their cameras sent."""

    def __init__(
        self, flows: Sequence[str], store: EvidenceStore, permissions: LivePermissions
    ) -> None:
        self._flows = flows
        self._store = store
        self._permissions = permissions

    def endpoints(self) -> list[Endpoint]:
        """The routes."""
        return [
            Endpoint(
                "GET",
                "/api/recordings",
                self.spans,
                TAG,
                "What a camera recorded",
                RecordingList,
                query=RecordingQuery,
            ),
            Endpoint(
                "GET",
                "/api/recordings/piece",
                self.piece,
                TAG,
                "A piece of what a camera recorded",
                query=RecordingQuery,
                media="video/mp4",
                errors=(404,),
            ),
        ]

    async def spans(self, call: Call) -> RecordingList:
        """The spans; none of a camera that the account may not see."""
        found: list[Recorded] = []
        for status, data in await self._ask("/recordings", call):
            if status == 200:
                spans = msgspec.json.decode(data, type=list[tuple[float, float]])
                found += [Recorded(*span) for span in spans]
        return RecordingList(sorted(found))

    async def piece(self, call: Call) -> object:
        """At most two minutes of video, from the last key frame before `from` on."""
        for status, data in await self._ask("/recording", call):
            if status == 200:
                return Response(data, media_type="video/mp4", headers=NO_STORE)
        raise Rejected(404, "nothing is recorded there")

    async def _ask(self, path: str, call: Call) -> list[tuple[int, bytes]]:
        query: RecordingQuery = call.query
        seen_by: Visibility = await self._permissions.visibility(call.who)
        if not seen_by.allows_camera(query.camera) or not self._store.secret:
            return []
        asked = {"camera": query.camera, "from": repr(query.start), "to": repr(query.end)}
        target = signed(path, asked, self._store.secret)
        return await asyncio.gather(
            *(asyncio.to_thread(_get, address, target) for address in self._flows)
        )


def _get(address: str, target: str) -> tuple[int, bytes]:
    """Status and content; 0 from a flow that does not answer."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=WAIT)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
