"""How long the api keeps what only grows: its audit log, triggers of alarms, news for peers."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from api.database.database import Database
from api.database.models import Audit, Login, PeerUpdate, PushNote, Trigger
from connectors.runtime import steady_clock

EVERY = 600.0
SOON = 0.1
AT_ONCE = 10_000
"""Rows of a transaction, so that nobody waits long for it."""
DAY = 86_400.0
NEWS = 600.0
TOLD = 30 * DAY


class Kept(NamedTuple):
    """Days and rows that are kept at most."""

    days: float
    rows: int


class Retention:
    """Removes what is too old or too much, now and then, a piece at a time."""

    def __init__(
        self,
        database: Database,
        audit: Kept,
        triggers: Kept,
        clock: Callable[[], float] = steady_clock.now,
    ) -> None:
        self._database = database
        self._clock = clock
        self._kept = ((Audit, audit), (Trigger, triggers))

    async def run(self) -> None:
        """Do so for ever."""
        while True:
            more = await asyncio.to_thread(self.sweep)
            if not more:
                await asyncio.to_thread(self._database.shrink_log)
            await asyncio.sleep(SOON if more else EVERY)

    def sweep(self) -> bool:
        """Remove a piece; whether there may be more."""
        now = self._clock()
        with self._database.write() as session:
            session.execute(delete(PeerUpdate).where(PeerUpdate.at < now - NEWS))
            session.execute(delete(PushNote).where(PushNote.recorded < now - TOLD))
            session.execute(delete(Login).where(Login.expires < now))
            removed = [_remove(session, table, kept, now) for table, kept in self._kept]
        return any(count >= AT_ONCE for count in removed)


def _remove(session: Session, table: type[Audit] | type[Trigger], kept: Kept, now: float) -> int:
    newest = session.scalar(select(func.max(table.id))) or 0
    gone = (
        select(table.id)
        .where((table.at < now - kept.days * DAY) | (table.id <= newest - kept.rows))
        .order_by(table.id)
        .limit(AT_ONCE)
    )
    ids = list(session.scalars(gone))
    for start in range(0, len(ids), 500):
        session.execute(delete(table).where(table.id.in_(ids[start : start + 500])))
    return len(ids)
