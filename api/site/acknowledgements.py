"""Acknowledgements of events: who, and when."""

import time
from collections.abc import Iterable

from sqlalchemy import func, select

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import Database
from api.database.models import Acknowledgement
from api.site.event_view import AcknowledgementView

AT_ONCE = 500


class Acknowledgements:
    """The acknowledgements in the database. Blocking: call them in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, event_id: str, event_time: float, by: Principal, comment: str | None, address: str
    ) -> tuple[AcknowledgementView, bool]:
        """The acknowledgement of an event, and whether it is new: the first one stays."""
        with self._database.write() as session:
            known = session.get(Acknowledgement, event_id)
            if known is not None:
                return _view(known), False
            added = Acknowledgement(
                event_id=event_id,
                event_time=event_time,
                user_id=by.id,
                username=by.username,
                at=time.time(),
                comment=comment,
            )
            session.add(added)
            record_audit(session, by, "event.acknowledge", event_id, comment or "", address)
            return _view(added), True

    def of(self, event_ids: Iterable[str]) -> dict[str, AcknowledgementView]:
        """The acknowledgements of some events, by the event's id."""
        ids = list(event_ids)
        found: dict[str, AcknowledgementView] = {}
        with self._database.read() as session:
            for start in range(0, len(ids), AT_ONCE):
                chosen = select(Acknowledgement).where(
                    Acknowledgement.event_id.in_(ids[start : start + AT_ONCE])
                )
                found |= {row.event_id: _view(row) for row in session.scalars(chosen)}
        return found

    def count(self, start: float, end: float) -> int:
        """The number of events of a span of time that were acknowledged."""
        with self._database.read() as session:
            within = select(func.count()).where(
                Acknowledgement.event_time >= start, Acknowledgement.event_time < end
            )
            return session.scalar(within) or 0


def _view(row: Acknowledgement) -> AcknowledgementView:
    return AcknowledgementView(row.username, row.at, row.comment)
