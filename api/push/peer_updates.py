"""Updates that are in no topic, passed on to the api processes on the same database."""

import logging
import secrets
import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.database.database import Database
from api.database.models import PeerUpdate, Revision
from api.push.updates import Update

KEPT = 10_000
KEPT_SECONDS = 60.0
_log = logging.getLogger("vigie.api")


class PeerBatch(NamedTuple):
    """Updates of peers in the order in which they were written, and the number of the last."""

    updates: list[Update]
    last: int


class PeerUpdates:
    """Updates numbered in the order in which their transactions commit.

    The row that counts is locked until then.
    """

    def __init__(self, database: Database) -> None:
        self._me = secrets.token_hex(8)
        with database.read() as session:
            self._last = session.scalar(select(Revision.announced)) or 0

    def put(self, session: Session, updates: Sequence[Update]) -> None:
        """Pass updates on to peers. Do this last in a session, since others wait from here on."""
        if not updates:
            return
        session.flush()
        count = (
            update(Revision)
            .values(announced=Revision.announced + len(updates))
            .returning(Revision.announced)
        )
        last = session.execute(count).scalar_one()
        now = time.time()
        for number, one in enumerate(updates, last - len(updates) + 1):
            session.add(
                PeerUpdate(
                    number=number,
                    api=self._me,
                    at=now,
                    channel=one.channel,
                    subject=one.subject,
                    page=one.page,
                    data=one.data,
                )
            )
        old = (PeerUpdate.number <= last - KEPT, PeerUpdate.at < now - KEPT_SECONDS)
        session.execute(delete(PeerUpdate).where(*old))

    def pending(self, session: Session) -> PeerBatch:
        """The updates of peers since the last `advance`."""
        rows = session.scalars(
            select(PeerUpdate).where(PeerUpdate.number > self._last).order_by(PeerUpdate.number)
        ).all()
        if rows and rows[0].number > self._last + 1:
            _log.warning("%d updates of peers were missed", rows[0].number - self._last - 1)
        updates = [
            Update(row.channel, row.data, subject=row.subject, page=row.page)
            for row in rows
            if row.api != self._me
        ]
        return PeerBatch(updates, rows[-1].number if rows else self._last)

    def advance(self, batch: PeerBatch) -> None:
        """Note that a batch has been passed on."""
        self._last = max(self._last, batch.last)
