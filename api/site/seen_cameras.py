"""Learns to which pages cameras belong that only definitions know."""

import asyncio
from collections.abc import Iterable
from functools import partial

from sqlalchemy.orm import Session

from api.database.database import permissions_changed
from api.database.models import LONGEST_TEXT
from api.permissions.camera_pages import Sighting, note_seen
from api.push.live_permissions import LivePermissions
from api.push.updates import Update
from operators.events import Detection

SHORTEST = 1.0
"""Seconds between two changes, however often cameras change their pages."""


class SeenCameras:
    """Takes what cameras saw in the event loop, and keeps the page of each in the database.

    So it is known from the start what is hidden, and by every process. Until it is kept, each
    event obeys its own label anyway.
    """

    def __init__(self, permissions: LivePermissions) -> None:
        self._permissions = permissions
        self._known: dict[str, str] = {}
        self._waiting: dict[str, Sighting] = {}
        self._arrived = asyncio.Event()

    def collect(self, updates: Iterable[Update]) -> None:
        """Take the detections and the live pictures among updates."""
        for update in updates:
            if update.page and (update.is_picture or isinstance(update.event, Detection)):
                name, page = update.subject, update.page
                if self._known.get(name) != page and max(len(name), len(page)) <= LONGEST_TEXT:
                    time = update.event.time if update.event is not None else update.time
                    known = self._waiting.get(name)
                    if known is None or known.time <= time:
                        self._waiting[name] = Sighting(page, time)
                        self._arrived.set()

    async def run(self) -> None:
        """Keep what was learned, for ever; open connections follow at once."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            seen, self._waiting = self._waiting, {}
            if await self._permissions.write(partial(_keep, seen=seen)):
                await self._permissions.refresh()
            self._known |= {name: sighting.page for name, sighting in seen.items()}
            await asyncio.sleep(SHORTEST)


def _keep(session: Session, seen: dict[str, Sighting]) -> bool:
    changed = note_seen(session, seen)
    if changed:
        permissions_changed(session)
    return changed
