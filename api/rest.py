"""The HTTP endpoints: present state, history, health, metrics."""

import math
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.access import Access
from api.auth import Accounts
from api.errors import Rejected
from api.feed import Feed
from api.history import History, Unavailable
from api.hub import Hub
from api.metrics import CONTENT_TYPE_LATEST, Metrics
from api.person import Person
from api.settings import Settings
from api.tokens import TokenError

MOST_POINTS = 2000
Endpoint = Callable[[Request], Awaitable[Response]]


class Rest:
    """The endpoints, with what they answer from."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        access: Access,
        hub: Hub,
        feed: Feed,
        history: History,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._access = access
        self._hub = hub
        self._feed = feed
        self._history = history
        self._metrics = metrics

    async def latest(self, request: Request) -> Response:
        """`GET /api/latest`: the last reading of every signal with its recent course (`?course=0` without)."""
        await self._person(request)
        course = request.query_params.get("course") != "0"
        return JSONResponse(
            {"site": self._settings.site, "time": time.time(), "readings": self._hub.readings.latest(course)}
        )

    async def alarms(self, request: Request) -> Response:
        """`GET /api/alarms`: alarms that are not normal, most urgent first (`?all=1`: every alarm known)."""
        sight = await self._access.sight(await self._person(request))
        known = self._hub.alarms.current(request.query_params.get("all") == "1")
        return JSONResponse({"alarms": [alarm for alarm in known if sight.page(alarm.get("page"))]})

    async def history(self, request: Request) -> Response:
        """`GET /api/history?subject=&metric=&from=&to=&points=`: the course of a signal out of ClickHouse."""
        await self._person(request)
        query = request.query_params
        subject, metric = query.get("subject", ""), query.get("metric", "")
        if not subject or not metric:
            raise Rejected(400, "subject and metric are needed, such as ?subject=sensor.rack&metric=temperature")
        end = _number(query.get("to"), "to", time.time())
        start = _number(query.get("from"), "from", end - 3600)
        points = int(_number(query.get("points"), "points", 300))
        if not 0 <= start < end <= 4e9:
            raise Rejected(400, f"from ({start:g}) must be before to ({end:g}), both in seconds since 1970 (UTC)")
        if not 1 <= points <= MOST_POINTS:
            raise Rejected(400, f"points is {points}; it must be 1 to {MOST_POINTS}")
        try:
            return JSONResponse(await self._history.course(subject, metric, start, end, points))
        except Unavailable as error:
            raise Rejected(503, str(error)) from None

    async def health(self, request: Request) -> Response:
        """`GET /health`: 200 while the broker and ClickHouse answer, 503 otherwise."""
        feed = self._feed.state
        clickhouse = await self._history.up()
        good = feed.connected and (clickhouse or not self._history.configured)
        return JSONResponse(
            {
                "status": "ok" if good else "degraded",
                "broker": {"up": feed.connected, "detail": feed.detail, "lag": feed.lag, "topics": feed.topics},
                "clickhouse": {"up": clickhouse, "detail": self._history.detail},
                "clients": len(self._hub.clients),
                "signals": len(self._hub.readings),
                "alarms": len(self._hub.alarms),
            },
            200 if good else 503,
        )

    async def metrics(self, request: Request) -> Response:
        """`GET /metrics` for Prometheus."""
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def _person(self, request: Request) -> Person:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        demand = {"WWW-Authenticate": "Bearer"}
        if scheme.lower() != "bearer" or not token:
            raise Rejected(401, "no token; send Authorization: Bearer TOKEN", demand)
        try:
            return await self._accounts.person(token.strip())
        except TokenError as error:
            raise Rejected(401, str(error), demand) from None


def _number(text: str | None, name: str, default: float) -> float:
    if text is None or text == "":
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Rejected(400, f"{name} is {text[:40]!r}, not a number")
    return number
