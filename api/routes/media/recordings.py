"""Endpoints of what cameras recorded: the spans there are, and pieces of video from them."""

import asyncio
import collections
import contextlib
import http.client
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.permissions.visibility import Visibility
from api.push.live_permissions import LivePermissions
from api.routes.cameras import TAG
from api.routes.media.evidence import NO_STORE
from api.site.evidence_store import EvidenceStore
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected
from connectors.runtime.tickets import signed

WAIT = 30.0
LARGEST_LIST = 4 << 20
CHUNK = 256 << 10
"""Bytes of a video that the api holds at once for one client."""
MOST_PIECES = 4
"""Pieces that are on their way to one account; flows hold each until it has been taken."""
Time = Annotated[float, Meta(ge=0, le=4e9)]
Found = TypeVar("Found")
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
        self._sending: collections.Counter[str] = collections.Counter()

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
                outside=True,
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
                outside=True,
            ),
        ]

    async def spans(self, call: Call) -> RecordingList:
        """The spans; none of a camera that the account may not see."""
        found = await self._ask("/recordings", call, _spans)
        return RecordingList(sorted(span for spans in found for span in spans))

    async def piece(self, call: Call) -> object:
        """At most two minutes of video, from the last key frame before `from` on."""
        if self._sending[call.who.id] >= MOST_PIECES:
            raise Rejected(
                429, f"{MOST_PIECES} pieces are on their way; take one first", {"Retry-After": "5"}
            )
        with contextlib.ExitStack() as on_its_way:
            self._sending[call.who.id] += 1
            on_its_way.callback(self._taken, call.who.id)
            found = await self._ask("/recording", call, _video)
            if not found:
                raise Rejected(404, "nothing is recorded there")
            for other in found[1:]:
                other.close()
            on_its_way.callback(found[0].close)
            return _Piece(found[0], on_its_way.pop_all())

    def _taken(self, account: str) -> None:
        self._sending[account] -= 1
        if not self._sending[account]:
            del self._sending[account]

    async def _ask(
        self, path: str, call: Call, take: Callable[[http.client.HTTPResponse], Found]
    ) -> list[Found]:
        """What flows that have something answer, as `take` makes it of an open answer."""
        query: RecordingQuery = call.query
        seen_by: Visibility = await self._permissions.visibility(call.who)
        if not seen_by.allows_camera(query.camera) or not self._store.secret:
            return []
        asked = {"camera": query.camera, "from": repr(query.start), "to": repr(query.end)}
        target = signed(path, asked, self._store.secret)
        answers = await asyncio.gather(
            *(asyncio.to_thread(_get, address, target, take) for address in self._flows)
        )
        return [answer for answer in answers if answer is not None]


class _Piece(StreamingResponse):
    """A video, read from its flow as fast as the client takes it."""

    def __init__(self, answer: http.client.HTTPResponse, end: contextlib.ExitStack) -> None:
        length = {} if answer.length is None else {"Content-Length": str(answer.length)}
        super().__init__(_chunks(answer), headers=NO_STORE | length, media_type="video/mp4")
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, to its end or until the client goes."""
        with self._end:
            await super().__call__(scope, receive, send)


def _get(
    address: str, target: str, take: Callable[[http.client.HTTPResponse], Found]
) -> Found | None:
    """What a flow answers; None from one that has nothing, or does not answer."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=WAIT)
    try:
        connection.request("GET", target, headers={"Connection": "close"})
        answer = connection.getresponse()
        return take(answer) if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        connection.close()
        return None


def _spans(answer: http.client.HTTPResponse) -> list[Recorded]:
    with answer:
        spans = msgspec.json.decode(answer.read(LARGEST_LIST), type=list[tuple[float, float]])
    return [Recorded(*span) for span in spans]


def _video(answer: http.client.HTTPResponse) -> http.client.HTTPResponse:
    """The answer as it is, to be read as fast as the client takes it."""
    return answer


def _chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while chunk := answer.read(CHUNK):
        yield chunk
