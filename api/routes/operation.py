"""Endpoints for who operates the api: whether it lives, is ready, is well; and its metrics."""

import asyncio

import msgspec
from starlette.responses import Response

from api.database.database import Database
from api.metrics import CONTENT_TYPE_LATEST, Metrics
from api.push.feed import Feed
from api.push.hub import Hub
from api.site.clickhouse_history import ClickHouseHistory
from api.site.flow_status import FlowStatus
from api.web.endpoints import Call, Endpoint
from connectors.http.content_type import JSON

TAG = "Operation"


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


class Live(msgspec.Struct):
    """That the process answers; its services are not asked."""

    status: str


class Dependency(msgspec.Struct):
    """A service, whether it is `needed` to be ready, and what is wrong with it."""

    up: bool
    needed: bool
    detail: str


class Ready(msgspec.Struct):
    """Whether requests should come here: `ready` while all that is needed is up."""

    status: str
    dependencies: dict[str, Dependency]


class OperationEndpoints:
    """Answers without a token."""

    def __init__(
        self,
        hub: Hub,
        feed: Feed,
        history: ClickHouseHistory,
        metrics: Metrics,
        database: Database,
        flows: FlowStatus,
    ) -> None:
        self._hub = hub
        self._feed = feed
        self._history = history
        self._metrics = metrics
        self._database = database
        self._flows = flows

    def endpoints(self) -> list[Endpoint]:
        """Health and metrics."""
        return [
            Endpoint(
                "GET",
                "/health",
                self.health,
                TAG,
                "Whether all is well",
                Health,
                role=None,
                also={503: Health},
            ),
            Endpoint("GET", "/live", self.live, TAG, "Whether it lives", Live, role=None),
            Endpoint(
                "GET",
                "/ready",
                self.ready,
                TAG,
                "Whether requests should come here",
                Ready,
                role=None,
                also={503: Ready},
            ),
            Endpoint(
                "GET",
                "/metrics",
                self.metrics,
                TAG,
                "Metrics for Prometheus",
                role=None,
                media="text/plain",
            ),
            Endpoint(
                "GET",
                "/metrics/flows",
                self.flow_metrics,
                TAG,
                "Metrics of all flows on this machine for Prometheus",
                role=None,
                media="text/plain",
            ),
        ]

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

    async def live(self, call: Call) -> Live:
        """200 whatever else is down: a restart would not mend it."""
        return Live("live")

    async def ready(self, call: Call) -> Response:
        """200 once the present state is known and while it can be kept: broker and own database.

        ClickHouse is named, but the page and the push go on without it.
        """
        feed = self._feed.state
        problem = await asyncio.to_thread(self._database.problem)
        dependencies = {
            "broker": Dependency(
                feed.connected and self._hub.backfilled.is_set(), True, feed.detail
            ),
            "database": Dependency(problem is None, True, problem or ""),
            "clickhouse": Dependency(await self._history.up(), False, self._history.detail),
        }
        good = all(one.up for one in dependencies.values() if one.needed)
        answer = Ready("ready" if good else "not ready", dependencies)
        return Response(msgspec.json.encode(answer), 200 if good else 503, media_type=JSON)

    async def metrics(self, call: Call) -> Response:
        """Counters and gauges of the api in Prometheus' text format."""
        return Response(await asyncio.to_thread(self._metrics.text), media_type=CONTENT_TYPE_LATEST)

    async def flow_metrics(self, call: Call) -> Response:
        """What each flow process on this machine has at its own `/metrics`, named by `process`."""
        return Response(await self._flows.metrics(), media_type=CONTENT_TYPE_LATEST)
