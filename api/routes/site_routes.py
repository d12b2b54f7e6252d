"""The part of the api that serves the site: signals, alarms, events, cameras, mode, flows."""

import asyncio
from collections.abc import Callable, Coroutine

from api.compat.video_watch import VideoWatchProtocol
from api.database.database import Database
from api.metrics import Metrics
from api.push.feed import Feed
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.routes.alarms import AlarmEndpoints
from api.routes.camera_search import CameraSearchEndpoints
from api.routes.cameras import CameraEndpoints
from api.routes.events import EventEndpoints
from api.routes.flows.deploys import DeployEndpoints
from api.routes.flows.flows import FlowEndpoints
from api.routes.flows.limits import LimitEndpoints
from api.routes.flows.replays import ReplayEndpoints
from api.routes.media.evidence import EvidenceEndpoints
from api.routes.media.recordings import RecordingEndpoints
from api.routes.mode import ModeEndpoints
from api.routes.operation import OperationEndpoints
from api.routes.signals import SignalEndpoints
from api.routes.sse import StreamEndpoints
from api.routes.stats import StatsEndpoints
from api.settings import Settings
from api.site.acknowledgements import Acknowledgements
from api.site.cameras import Cameras
from api.site.clickhouse_history import ClickHouseHistory
from api.site.event_search import EventSearch
from api.site.evidence import EventEvidence
from api.site.evidence_pins import EvidencePins
from api.site.evidence_store import EvidenceStore
from api.site.flow_status import FlowStatus
from api.site.host_metrics import HostMetrics
from api.site.mode import SiteMode
from api.site.posted_events import PostedEvents
from api.site.seen_cameras import SeenCameras
from api.topics.alarm_commands import AlarmCommands
from api.topics.notifications import Notifications
from api.topics.outbox import Outbox
from api.topics.writer import TopicWriter
from api.web.endpoints import Endpoint

LOOK_FOR_CAMERAS = 5.0


class SiteRoutes:
    """Its parts, and their endpoints."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        permissions: LivePermissions,
        hub: Hub,
        feed: Feed,
        history: ClickHouseHistory,
        writer: TopicWriter,
        outbox: Outbox,
        commands: AlarmCommands,
        metrics: Metrics,
    ) -> None:
        section = settings.section
        self._outbox = outbox
        self._mode = SiteMode(database, outbox, settings.topics.mode, section.modes)
        self._cameras = Cameras(
            database, outbox, settings.topics.cameras, settings.camera_variables
        )
        self.seen_cameras = SeenCameras(permissions)
        self.video_watch = VideoWatchProtocol(lambda key: self._cameras.names.get(key))
        notifications = Notifications(writer, settings.topics.push)
        search = EventSearch(history, hub.recent_events)
        self._store = EvidenceStore(settings.objects)
        self.pins = EvidencePins(database, outbox, settings.topics.evidence_pins)
        evidence = EventEvidence(search, self._store, self.pins)
        posted = PostedEvents(writer, settings.posts_topic)
        acknowledgements = Acknowledgements(database)
        machine = HostMetrics(settings.data)
        self.flows = flows = FlowStatus(section.flows)
        metrics.by_flow(flows.words)
        if settings.supervisor is not None:
            metrics.by_reloads(settings.supervisor)
        self.endpoints: list[Endpoint] = [
            *SignalEndpoints(settings.site, hub, history, permissions).endpoints(),
            *OperationEndpoints(hub, feed, history, metrics, database, flows).endpoints(),
            *AlarmEndpoints(hub, history, permissions, commands, database, flows.words).endpoints(),
            *EvidenceEndpoints(
                search, evidence, self._store, permissions, self.pins, outbox
            ).endpoints(),
            *EventEndpoints(
                search, acknowledgements, posted, notifications, permissions, evidence
            ).endpoints(),
            *RecordingEndpoints(section.flows, self._store, permissions).endpoints(),
            *CameraSearchEndpoints(
                section.discovery, section.cameras_here, settings.camera_variables
            ).endpoints(),
            *CameraEndpoints(self._cameras, outbox, notifications, permissions, flows).endpoints(),
            *ModeEndpoints(self._mode, outbox, notifications).endpoints(),
            *FlowEndpoints(flows, settings.broker).endpoints(),
            *DeployEndpoints(settings, database).endpoints(),
            *LimitEndpoints(settings).endpoints(),
            *ReplayEndpoints(settings, database).endpoints(),
            *StatsEndpoints(
                machine,
                self._cameras,
                search,
                acknowledgements,
                hub,
                feed,
                flows,
                metrics,
                permissions,
            ).endpoints(),
            *StreamEndpoints(hub, permissions, settings).endpoints(),
        ]

    def work(self) -> list[Callable[[], Coroutine[None, None, None]]]:
        """The tasks that run as long as the api does."""
        return [self._write_rows, self._know_cameras, self.seen_cameras.run]

    def close(self) -> None:
        """Close the connections to the object store."""
        self._store.close()

    async def _write_rows(self) -> None:
        await asyncio.to_thread(self._mode.tell)
        await self._outbox.run()

    async def _know_cameras(self) -> None:
        """Learn the numbers of cameras that another process added."""
        while True:
            await asyncio.to_thread(self._cameras.all)
            await asyncio.sleep(LOOK_FOR_CAMERAS)
