"""Endpoints of the flows and of their dead letters."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.site.flow_status import FlowStatus, FlowView
from api.topics.writer import NO_BROKER
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected, unavailable
from connectors.kafka.connection import TopicConnection
from connectors.kafka.dead_letters import DeadLetterTopics, Entry
from operators.events import DeadLetter

TAG = "Flows"
LAST_RECORDS = 2000
"""How many records at the end of each partition are looked at."""
SHOWN_BYTES = 64 << 10
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.-]+$")]


class FlowList(msgspec.Struct):
    """The flows that announce themselves, and those of the site file's `api: {flows: …}`."""

    flows: list[FlowView]


class FlowName(msgspec.Struct):
    """Which flow."""

    flow: Name


class LetterQuery(msgspec.Struct, rename={"start": "from"}):
    """Which dead letters; `open` leaves out those that were replayed since."""

    flow: Name | None = None
    reason: Annotated[str, Meta(max_length=100)] | None = None
    source: Annotated[str, Meta(max_length=200)] | None = None
    open: bool = False
    start: Annotated[float, Meta(ge=0, le=4e9)] | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50


class LetterView(msgspec.Struct):
    """A dead letter without its bytes.

    `set_aside` is when it was written (epoch seconds), `times` how often.
    """

    id: str
    flow: str
    step: str
    reason: str
    detail: str
    origin: str
    source: str | None
    time: float
    set_aside: float
    times: int
    open: bool
    replayed: float | None
    bytes: int


class LetterList(msgspec.Struct):
    """Dead letters, newest first, among the last 2,000 records of each partition.

    `reasons` counts all that were found.
    """

    letters: list[LetterView]
    reasons: dict[str, int]


class LetterId(msgspec.Struct):
    """Which dead letter."""

    flow: Name
    id: Annotated[str, Meta(min_length=1, max_length=400)]


class WholeLetter(msgspec.Struct):
    """A dead letter with at most the first 64 KiB of its bytes.

    They are in `text` where they are text, in `base64` otherwise.
    """

    letter: LetterView
    holds: Literal["bytes", "row", "events"]
    labels: dict[str, str]
    cut: bool
    text: str | None
    base64: bytes | None


class FlowEndpoints:
    """Answer for flows and dead letters."""

    def __init__(self, status: FlowStatus, broker: TopicConnection | None) -> None:
        self._status = status
        self._letters = None if broker is None else DeadLetterTopics(broker)
        self._reading = asyncio.Semaphore(2)

    def endpoints(self) -> list[Endpoint]:
        """Flows for everybody, dead letters for operators."""
        return [
            Endpoint("GET", "/api/flows", self.flows, TAG, "What runs", FlowList),
            Endpoint(
                "GET",
                "/api/flows/{flow}",
                self.flow,
                TAG,
                "One flow",
                FlowView,
                path=FlowName,
                errors=(404,),
            ),
            Endpoint(
                "GET",
                "/api/dead-letters",
                self.letters,
                TAG,
                "What could not be processed",
                LetterList,
                role="operator",
                query=LetterQuery,
                errors=(503,),
                whole_site=True,
            ),
            Endpoint(
                "GET",
                "/api/dead-letters/{flow}/{id:path}",
                self.letter,
                TAG,
                "One dead letter",
                WholeLetter,
                role="operator",
                path=LetterId,
                errors=(404, 503),
                whole_site=True,
            ),
        ]

    async def flows(self, call: Call) -> FlowList:
        """All flows of the site: version, health, what they wait for; counts of those near by."""
        return FlowList(await self._status.all())

    async def flow(self, call: Call) -> FlowView:
        """One flow by its name."""
        for view in await self._status.all():
            if view.flow == call.path.flow:
                return view
        raise Rejected(
            404,
            f"no flow {call.path.flow!r} has announced itself; is it running on this broker?",
        )

    async def letters(self, call: Call) -> LetterList:
        """Dead letters of one flow, or of all.

        `vigie dead-letters replay` sends them again after a fix.
        """
        query: LetterQuery = call.query

        def wanted(letter: DeadLetter) -> bool:
            return query.reason in (None, letter.reason) and query.source in (None, letter.source)

        found: list[Entry] = []
        letters = self._known()
        names = [query.flow] if query.flow else await self._thread(letters.flows)
        for name in names:
            found += await self._thread(letters.entries, name, wanted, LAST_RECORDS)
        found = [
            entry
            for entry in found
            if (entry.is_open or not query.open)
            and (query.start is None or entry.set_aside >= query.start)
        ]
        found.sort(key=lambda entry: entry.set_aside, reverse=True)
        reasons: dict[str, int] = {}
        for entry in found:
            reasons[entry.letter.reason] = reasons.get(entry.letter.reason, 0) + 1
        return LetterList([_view(entry) for entry in found[: query.limit]], reasons)

    async def letter(self, call: Call) -> WholeLetter:
        """One dead letter with its bytes."""
        path: LetterId = call.path
        found = await self._thread(
            self._known().entries,
            path.flow,
            lambda letter: bool(letter.id == path.id),
            LAST_RECORDS,
        )
        if not found:
            raise Rejected(
                404, f"there is no dead letter {path.id[:100]!r} of the flow {path.flow!r}"
            )
        letter = found[-1].letter
        shown = letter.payload[:SHOWN_BYTES]
        text = _text(shown)
        return WholeLetter(
            _view(found[-1]),
            letter.holds,
            letter.labels,
            letter.cut or len(shown) < len(letter.payload),
            text,
            None if text is not None else shown,
        )

    def _known(self) -> DeadLetterTopics:
        if self._letters is None:
            raise unavailable(NO_BROKER)
        return self._letters

    async def _thread(self, work: Any, *args: Any) -> Any:
        async with self._reading:
            return await asyncio.to_thread(work, *args)


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _view(entry: Entry) -> LetterView:
    letter = entry.letter
    return LetterView(
        id=letter.id,
        flow=letter.flow,
        step=letter.step,
        reason=letter.reason,
        detail=letter.detail,
        origin=letter.origin,
        source=letter.source,
        time=letter.time,
        set_aside=entry.set_aside,
        times=entry.times,
        open=entry.is_open,
        replayed=entry.replayed,
        bytes=len(letter.payload),
    )
