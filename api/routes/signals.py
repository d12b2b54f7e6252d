"""Endpoints of signals, their present state and course; and the api's own health and metrics."""

import asyncio
import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from api.database.database import Database
from api.metrics import CONTENT_TYPE_LATEST, Metrics
from api.push.feed import Feed
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.routes.parameters import Moment
from api.site.clickhouse_history import ClickHouseHistory
from api.site.flow_status import FlowStatus
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected
from connectors.http.content_type import JSON

TAG = "Signals"
OPERATION = "Operation"
MOST_POINTS = 2000
HOUR = 3600.0


class LatestQuery(msgspec.Struct):
    """Whether to include the recent course of each signal."""

    course: Annotated[int, Meta(ge=0, le=1)] = 1


class Latest(msgspec.Struct):
    """The last reading of every signal, with its recent `course` as `[time, value]`."""

    site: str
    time: float
    readings: list[dict[str, Any]]


class CourseQuery(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """Which signal, over which span (by default the last hour), in how many points."""

    subject: Annotated[str, Meta(min_length=1, max_length=500)]
    metric: Annotated[str, Meta(min_length=1, max_length=500)]
    start: Moment | None = None
    end: Moment | None = None
    points: Annotated[int, Meta(ge=1, le=MOST_POINTS)] = 300


class Course(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """The course of a signal.

    `points` are `[time, mean, lowest, highest, readings]`, `texts` are `[time, text]`.
    """

    subject: str
    metric: str
    unit: str | None
    start: float
    end: float
    step: float
    points: list[list[float]]
    texts: list[list[float | str]]


class BrokerHealth(msgspec.Struct):
    """The broker; `lag` in records."""

    up: bool
    detail: str
    lag: int
    topics: list[str]


class ServiceHealth(msgspec.Struct):
    """A service behind the api."""

    up: bool
    detail: str


class Health(msgspec.Struct):
    """Whether broker, ClickHouse and the api's own database answer, and what each flow is."""

    status: str
    broker: BrokerHealth
    clickhouse: ServiceHealth
    database: ServiceHealth
    clients: int
    signals: int
    alarms: int
    flows: dict[str, str] = {}


class SignalEndpoints:
    """Answer from the present state and from ClickHouse."""

    def __init__(
        self,
        site: str,
        hub: Hub,
        feed: Feed,
        history: ClickHouseHistory,
        metrics: Metrics,
        permissions: LivePermissions,
        database: Database,
        flows: FlowStatus,
    ) -> None:
        self._permissions = permissions
        self._database = database
        self._flows = flows
        self._site = site
        self._hub = hub
        self._feed = feed
        self._history = history
        self._metrics = metrics

    def endpoints(self) -> list[Endpoint]:
        """Signals for everybody; health and metrics without a token."""
        return [
            Endpoint(
                "GET", "/api/latest", self.latest, TAG, "Last readings", Latest, query=LatestQuery
            ),
            Endpoint(
                "GET",
                "/api/history",
                self.history,
                TAG,
                "Course of a signal",
                Course,
                query=CourseQuery,
                errors=(503,),
            ),
            Endpoint(
                "GET",
                "/health",
                self.health,
                OPERATION,
                "Whether all is well",
                Health,
                role=None,
                also={503: Health},
            ),
            Endpoint(
                "GET",
                "/metrics",
                self.metrics,
                OPERATION,
                "Metrics for Prometheus",
                role=None,
                media="text/plain",
            ),
        ]

    async def latest(self, call: Call) -> Latest:
        """The last reading of every signal with its recent course (without, for `course=0`)."""
        visibility = await self._permissions.visibility(call.who)
        known = self._hub.readings.latest(bool(call.query.course))
        return Latest(self._site, time.time(), [*filter(visibility.allows_plain, known)])

    async def history(self, call: Call) -> dict[str, Any]:
        """The course of a signal from ClickHouse, thinned out to `points`."""
        query: CourseQuery = call.query
        end = time.time() if query.end is None else query.end
        start = end - HOUR if query.start is None else query.start
        if not 0 <= start < end:
            raise Rejected(
                400,
                f"from ({start:g}) must be before to ({end:g}), both in seconds since 1970 (UTC)",
            )
        visibility = await self._permissions.visibility(call.who)
        return await self._history.course(
            query.subject, query.metric, start, end, query.points, visibility
        )

    async def health(self, call: Call) -> Response:
        """200 while the broker, ClickHouse and the api's own database answer, 503 otherwise."""
        feed = self._feed.state
        clickhouse = await self._history.up()
        problem = await asyncio.to_thread(self._database.problem)
        good = feed.connected and (clickhouse or not self._history.configured) and problem is None
        health = Health(
            status="ok" if good else "degraded",
            broker=BrokerHealth(feed.connected, feed.detail, feed.lag, feed.topics),
            clickhouse=ServiceHealth(clickhouse, self._history.detail),
            database=ServiceHealth(problem is None, problem or ""),
            clients=len(self._hub.clients),
            signals=len(self._hub.readings),
            alarms=len(self._hub.alarms),
            flows=self._flows.words(),
        )
        return Response(msgspec.json.encode(health), 200 if good else 503, media_type=JSON)

    async def metrics(self, call: Call) -> Response:
        """Counters and gauges of the api in Prometheus' text format."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)
