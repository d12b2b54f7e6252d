"""The application: its parts, its routes, and the tasks that run as long as it does."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import WebSocketRoute

from api.accounts.accounts import Accounts
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.database.database import DatabaseDown, open_database
from api.database.retention import Kept, Retention
from api.metrics import Metrics
from api.push.feed import Feed
from api.push.hub import Hub
from api.push.loop_receiver import LoopReceiver
from api.push.watching import Watching
from api.routes.account_routes import AccountRoutes
from api.routes.site_routes import SiteRoutes
from api.routes.websocket import WebSocketEndpoints
from api.settings import Settings
from api.site.clickhouse_history import ClickHouseHistory
from api.topics.alarm_commands import AlarmCommands
from api.topics.outbox import Outbox
from api.topics.writer import TopicWriter
from api.web.authentication import Authenticator
from api.web.change_budget import ChangeBudget
from api.web.docs_pages import docs_routes
from api.web.endpoints import routes
from api.web.errors import Rejected, Unavailable, database_down, failed, refused, rejected
from api.web.openapi import document
from api.web.page_shell import page_routes
from api.web.security_headers import SecurityHeaders
from api.web.turns import THREADS
from connectors.http.request_gate import RequestGate
from connectors.runtime.tracing.traces import open_traces

STATIC = Path(__file__).parent / "static"
RECALL_RETRY = 5.0
RESTART = 5.0
_log = logging.getLogger("vigie.api")


def create_app(settings: Settings, show_password: Callable[[str], None]) -> Starlette:
    """Compose the application.

    At the first start `show_password` gets the random password of the new account `admin`.
    """
    metrics = Metrics()
    hub = Hub(settings.bounds, metrics.pushed, metrics.coalesced)
    tokens = Tokens(SigningKeys(settings.data), settings.token_lifetime)
    database = open_database(settings.data, settings.database)
    accounts = Accounts(database, tokens)
    accounts.create_first_admin(show_password)
    writer = TopicWriter(settings.broker)
    commands = AlarmCommands(writer, settings.topics)
    receiver = LoopReceiver(hub)
    traces = open_traces(settings.traces, settings.site, "api")
    if traces is not None:
        metrics.spans(traces)
    feed = Feed(settings, metrics, receiver, traces)
    history = ClickHouseHistory(settings.clickhouse, settings.clickhouse_address)
    authenticator = Authenticator(accounts, settings.device_tokens)
    outbox = Outbox(database, writer)

    def broker_problem() -> str | None:
        if settings.broker is None:
            return None
        return writer.down or (None if feed.state.connected else feed.state.detail)

    section = settings.section
    changes = ChangeBudget(section.changes_per_minute)
    retention = Retention(
        database,
        Kept(section.audit_days, section.audit_entries),
        Kept(section.trigger_days, section.trigger_entries),
    )
    account_routes = AccountRoutes(
        settings, accounts, authenticator, hub, outbox, metrics, broker_problem, changes
    )
    receiver.update_listeners += [
        account_routes.triggers.collect,
        account_routes.browser_push.collect,
    ]
    receiver.event_listeners += [commands.answered, account_routes.declared.collect]
    site_routes = SiteRoutes(
        settings,
        database,
        account_routes.permissions,
        hub,
        feed,
        history,
        writer,
        outbox,
        commands,
        metrics,
    )
    receiver.update_listeners.append(site_routes.seen_cameras.collect)
    receiver.event_listeners += [site_routes.pins.collect, site_routes.flows.collect]
    watching = Watching(hub, writer, settings.topics.watched_cameras)
    endpoints = [*account_routes.endpoints, *site_routes.endpoints]
    connections = WebSocketEndpoints(
        accounts,
        account_routes.permissions,
        hub,
        account_routes.pages,
        site_routes.video_watch,
        metrics,
        settings,
    )
    metrics.gauge("clients", "Open WebSocket connections", lambda: len(hub.clients))
    metrics.gauge("broker_up", "Whether the broker answers", lambda: feed.state.connected)
    metrics.gauge("feed_lag", "Records of the topics not read yet", lambda: feed.state.lag)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS, "api"))
        receiver.bind(loop)
        tasks = [
            asyncio.create_task(work)
            for work in (_recall_alarms(hub, history), _sweep(hub), connections.send_heartbeats())
        ]
        tasks += [
            asyncio.create_task(_kept_running(work))
            for work in (*account_routes.work(), *site_routes.work(), watching.run, retention.run)
        ]
        if settings.broker is None:
            hub.backfilled.set()
        feed.start()
        try:
            yield
        finally:
            receiver.bind(None)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(feed.stop)
            await asyncio.to_thread(writer.stop)
            if traces is not None:
                await asyncio.to_thread(traces.close)
            history.close()
            site_routes.close()
            accounts.close()

    return Starlette(
        routes=[
            *routes(endpoints, authenticator, changes),
            *docs_routes(document(endpoints)),
            WebSocketRoute("/ws", connections.push),
            WebSocketRoute("/ws/raw/{channel:path}", connections.raw),
            *page_routes(STATIC),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(
                RequestGate,
                names=section.hosts,
                remedy="write it under api: {hosts: […]} in the site file",
            ),
            Middleware(RequestBodyLimitMiddleware, max_body_size=settings.bounds.body_size),
        ],
        exception_handlers={
            Rejected: rejected,
            HTTPException: refused,
            DatabaseDown: database_down,
            Exception: failed,
        },
        lifespan=lifespan,
    )


async def _recall_alarms(hub: Hub, history: ClickHouseHistory) -> None:
    """Load the alarms from before this start, once ClickHouse answers."""
    while history.configured:
        try:
            hub.alarms.extend(await history.alarms())
            return
        except Unavailable:
            await asyncio.sleep(RECALL_RETRY)


async def _kept_running(work: Callable[[], Awaitable[None]]) -> None:
    """Run work for as long as the api does: whatever ends it is logged, and it starts again."""
    while True:
        try:
            await work()
            return
        except DatabaseDown as down:
            _log.warning("%s waits: %s", getattr(work, "__qualname__", work), down)
            await asyncio.sleep(RESTART)
        except Exception:
            _log.exception(
                "%s ended; it begins again in %g s", getattr(work, "__qualname__", work), RESTART
            )
            await asyncio.sleep(RESTART)


async def _sweep(hub: Hub) -> None:
    while True:
        await asyncio.sleep(1)
        hub.sweep()
