"""Endpoints of signals: their present state and their course."""

import time
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.routes.parameters import Moment
from api.site.clickhouse_history import ClickHouseHistory
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected

TAG = "Signals"
MOST_POINTS = 2000
HOUR = 3600.0


class LatestQuery(msgspec.Struct):
    """Whether to include the recent course of each signal; signals of one subject only."""

    course: Annotated[int, Meta(ge=0, le=1)] = 1
    subject: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


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

    `points` are `[time, mean, lowest, highest, readings]`, `ends` the last value of each; `texts`
    are `[time, text]`.
    """

    subject: str
    metric: str
    unit: str | None
    start: float
    end: float
    step: float
    points: list[list[float]]
    ends: list[float]
    texts: list[list[float | str]]


class SignalEndpoints:
    """Answer from the present state and from ClickHouse."""

    def __init__(
        self,
        site: str,
        hub: Hub,
        history: ClickHouseHistory,
        permissions: LivePermissions,
    ) -> None:
        self._permissions = permissions
        self._site = site
        self._hub = hub
        self._history = history

    def endpoints(self) -> list[Endpoint]:
        """Signals that the account may see."""
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
                outside=True,
            ),
        ]

    async def latest(self, call: Call) -> Latest:
        """The last reading of every signal with its recent course (without, for `course=0`).

        With `subject`, of the signals of that subject only.
        """
        visibility = await self._permissions.visibility(call.who)
        known = self._hub.readings.latest(bool(call.query.course), call.query.subject)
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
