"""Endpoints of statistics: at a glance, the machine, throughput."""

import asyncio
import time

import msgspec

from api.metrics import Metrics
from api.push.feed import Feed
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.routes.events import HourCount
from api.site.acknowledgements import Acknowledgements
from api.site.cameras import Cameras
from api.site.event_search import DAY, EventFilter, EventSearch
from api.site.flow_status import FlowStatus
from api.site.host_metrics import HostMetrics, MachineView
from api.web.endpoints import Call, Endpoint

TAG = "Statistics"


class CameraCounts(msgspec.Struct):
    """Numbers of cameras."""

    total: int
    running: int
    stopped: int


class EventCounts(msgspec.Struct):
    """Numbers of events in the last 24 hours."""

    total: int
    unacknowledged: int
    by_type: dict[str, int]
    by_hour: list[HourCount]
    complete: bool


class AlarmCounts(msgspec.Struct):
    """Numbers of alarms that are not normal."""

    total: int
    by_state: dict[str, int]
    by_priority: dict[str, int]


class Dashboard(msgspec.Struct):
    """The state of the site at a glance."""

    time: float
    cameras: CameraCounts
    events: EventCounts
    alarms: AlarmCounts
    signals: int
    clients: int
    flows: dict[str, str]


class Performance(msgspec.Struct):
    """Throughput of the api and the flows.

    Rates are per second since the last query, null at first; `lag` is in records. `flows` has the
    events per second of each source and sink, as `flow/name`.
    """

    time: float
    records: float
    records_rate: float | None
    pushed: float
    pushed_rate: float | None
    coalesced: float
    lag: int
    clients: int
    slow_clients: int
    flows: dict[str, float | None]


class StatsEndpoints:
    """Answer with statistics."""

    def __init__(
        self,
        machine: HostMetrics,
        cameras: Cameras,
        search: EventSearch,
        acknowledgements: Acknowledgements,
        hub: Hub,
        feed: Feed,
        status: FlowStatus,
        metrics: Metrics,
        permissions: LivePermissions,
    ) -> None:
        self._machine = machine
        self._cameras = cameras
        self._search = search
        self._acknowledgements = acknowledgements
        self._hub = hub
        self._feed = feed
        self._status = status
        self._metrics = metrics
        self._permissions = permissions
        self._before: tuple[float, float, float] | None = None

    def endpoints(self) -> list[Endpoint]:
        """The three kinds of statistics."""
        return [
            Endpoint(
                "GET",
                "/api/stats/dashboard",
                self.dashboard,
                TAG,
                "At a glance",
                Dashboard,
                outside=True,
            ),
            Endpoint("GET", "/api/stats/system", self.system, TAG, "The machine", MachineView),
            Endpoint(
                "GET",
                "/api/stats/performance",
                self.performance,
                TAG,
                "How fast it goes",
                Performance,
            ),
        ]

    async def dashboard(self, call: Call) -> Dashboard:
        """Cameras, events of the last day, standing alarms, flows."""
        now = time.time()
        visibility = await self._permissions.visibility(call.who)
        cameras = await asyncio.to_thread(self._cameras.all, visibility)
        running = sum(camera.status == "running" for camera in cameras)
        wanted = EventFilter(start=now - DAY, end=now, seen_by=visibility)
        counted = await self._search.count(wanted)
        total = counted.types.total()
        acknowledged = await asyncio.to_thread(
            self._acknowledgements.count, now - DAY, now, visibility
        )
        alarms = [*filter(visibility.allows_plain, self._hub.alarms.current())]
        by_state: dict[str, int] = {}
        by_priority: dict[str, int] = {}
        for alarm in alarms:
            by_state[alarm["state"]] = by_state.get(alarm["state"], 0) + 1
            by_priority[alarm["priority"]] = by_priority.get(alarm["priority"], 0) + 1
        return Dashboard(
            time=now,
            cameras=CameraCounts(len(cameras), running, len(cameras) - running),
            events=EventCounts(
                total,
                max(0, total - acknowledged),
                dict(counted.types.most_common(100)),
                [HourCount(hour, events) for hour, events in sorted(counted.hours.items())],
                counted.complete,
            ),
            alarms=AlarmCounts(len(alarms), by_state, by_priority),
            signals=self._hub.readings.count(visibility),
            clients=len(self._hub.clients),
            flows={view.flow or view.address: view.status for view in await self._status.all()},
        )

    async def system(self, call: Call) -> MachineView:
        """Processor, memory, disk and GPUs of the machine that serves this."""
        return await self._machine.view()

    async def performance(self, call: Call) -> Performance:
        """Records read, events pushed, and the rates of the flows."""
        now = time.monotonic()
        metrics = self._metrics
        records, pushed, coalesced = map(
            metrics.total, (metrics.records, metrics.pushed, metrics.coalesced)
        )
        then, records_then, pushed_then = self._before or (now, records, pushed)
        self._before = (now, records, pushed)
        span = now - then
        flows = {
            f"{view.flow}/{name}": count.rate
            for view in await self._status.all()
            if view.flow
            for name, count in view.counts.items()
        }
        return Performance(
            time=time.time(),
            records=records,
            records_rate=round((records - records_then) / span, 3) if span else None,
            pushed=pushed,
            pushed_rate=round((pushed - pushed_then) / span, 3) if span else None,
            coalesced=coalesced,
            lag=self._feed.state.lag,
            clients=len(self._hub.clients),
            slow_clients=sum(1 for client in self._hub.clients if client.waiting),
            flows=flows,
        )
