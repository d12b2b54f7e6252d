"""The part of the api that serves the video watch, the sensors' bridge and whoever looks after the flows."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable

from starlette.routing import Route

from api.acknowledgements import Acknowledgements
from api.cameras import Cameras
from api.database import Database
from api.docs_pages import docs_routes
from api.endpoints import Endpoint, routes
from api.event_search import EventSearch
from api.guard import Guard
from api.history import History
from api.hub import Hub
from api.notices import Notices
from api.openapi import document
from api.posted_events import PostedEvents
from api.rest_cameras import CameraEndpoints
from api.rest_events import EventEndpoints
from api.rest_mode import ModeEndpoints
from api.settings import Settings
from api.site_mode import SiteMode
from api.topic_rows import TopicRows
from api.topic_writer import TopicWriter


class Watch:
    """Its parts. `endpoints` are those that were made elsewhere; they are only described."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        guard: Guard,
        hub: Hub,
        history: History,
        writer: TopicWriter,
        rows: TopicRows,
    ) -> None:
        section = settings.section
        self._guard = guard
        self._rows = rows
        self._mode = SiteMode(database, self._rows, f"{settings.prefix}mode", section.modes)
        self.cameras = Cameras(database, self._rows, f"{settings.prefix}cameras")
        notices = Notices(writer, settings.push_topic)
        search = EventSearch(history, hub.happened)
        posted = PostedEvents(writer, settings.posts_topic)
        acknowledgements = Acknowledgements(database)
        self._endpoints: list[Endpoint] = [
            *CameraEndpoints(self.cameras, self._rows, notices, section.discovery).endpoints(),
            *EventEndpoints(search, acknowledgements, posted, notices).endpoints(),
            *ModeEndpoints(self._mode, self._rows, notices).endpoints(),
        ]

    def routes(self, others: Iterable[Endpoint] = ()) -> list[Route]:
        """The routes of the endpoints, and the documents that describe them and `others`."""
        described = document([*others, *self._endpoints])
        return [*routes(self._endpoints, self._guard), *docs_routes(described)]

    def work(self) -> list[Callable[[], Coroutine[None, None, None]]]:
        """What runs as long as the api does."""
        return [self._write_rows]

    async def _write_rows(self) -> None:
        await asyncio.to_thread(self._mode.tell)
        await self._rows.run()
