"""Acknowledgements of events: who, and when."""

import time
from collections.abc import Iterable

from sqlalchemy import func, select

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import Database
from api.database.models import LONGEST_TEXT, Acknowledgement
from api.permissions.visibility import Visibility
from api.site.event_view import AcknowledgementView, EventView

AT_ONCE = 500


class Acknowledgements:
    """The acknowledgements in the database. Blocking: call them in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, event: EventView, by: Principal, comment: str | None, address: str
    ) -> tuple[AcknowledgementView, bool]:
        """The acknowledgement of an event, and whether it is new: the first one stays."""
        with self._database.write() as session:
            known = session.get(Acknowledgement, event.id)
            if known is not None:
                return _view(known), False
            added = Acknowledgement(
                event_id=event.id,
                event_time=event.time,
                page=event.labels.get("page", "")[:LONGEST_TEXT] or None,
                subject=event.subject[:LONGEST_TEXT],
                camera=event.labels.get("camera", "")[:LONGEST_TEXT] or None,
                user_id=by.id,
                username=by.username,
                at=time.time(),
                comment=comment,
            )
            session.add(added)
            record_audit(session, by, "event.acknowledge", event.id, comment or "", address)
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

    def count(self, start: float, end: float, seen_by: Visibility) -> int:
        """The number of events of a span of time that were acknowledged, of those to be seen."""
        row = Acknowledgement
        with self._database.read() as session:
            kinds = (
                select(row.page, row.subject, row.camera, func.count())
                .where(row.event_time >= start, row.event_time < end)
                .group_by(row.page, row.subject, row.camera)
            )
            return sum(
                number
                for page, subject, camera, number in session.execute(kinds)
                if seen_by.allows(page, subject or "", camera)
            )


def _view(row: Acknowledgement) -> AcknowledgementView:
    return AcknowledgementView(row.username, row.at, row.comment)
