"""The pages that definitions declare: flows send them, the database keeps the latest."""

import logging
from collections.abc import Iterable
from functools import partial

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.database.audit_log import record_audit
from api.database.database import one_process_at_a_time, permissions_changed
from api.database.declared import DeclaredPermissions
from api.database.models import LONGEST_NAME, LONGEST_TEXT, Alarm, Page
from api.database.work_queue import WorkQueue
from api.push.live_permissions import LivePermissions
from operators.events import Event, Row

TABLE = "pages"
_log = logging.getLogger("vigie.api")


class DeclaredPage(msgspec.Struct):
    """A page as its definition has it."""

    title: str
    owner: str
    view: list[str] = []
    edit: list[str] = []


class FlowPages(msgspec.Struct):
    """The row of one flow: all its pages by name."""

    id: str
    pages: dict[str, DeclaredPage] = {}


class DeclaredPages:
    """Takes rows in the event loop and stores them, one after the other."""

    def __init__(self, permissions: LivePermissions) -> None:
        self._permissions = permissions
        self._queue: WorkQueue[FlowPages] = WorkQueue()

    def collect(self, events: Iterable[Event]) -> None:
        """Queue the pages among events for the api."""
        for event in events:
            if isinstance(event, Row) and event.table == TABLE:
                try:
                    self._queue.put(msgspec.convert(event.values, FlowPages))
                except msgspec.ValidationError as error:
                    _log.warning(
                        "the pages of a flow are not as they should be (%s); is it another"
                        " release?",
                        error,
                    )

    async def run(self) -> None:
        """Store pages, for ever; open connections follow at once."""
        await self._queue.run(self._store, at_once=1)

    async def _store(self, batch: list[FlowPages]) -> None:
        for pages in batch:
            if await self._permissions.write(partial(_store, declared=pages)):
                await self._permissions.refresh()


def _store(session: Session, declared: FlowPages) -> bool:
    """Make the database hold these pages of the flow and no others; whether anything changed."""
    one_process_at_a_time(session)
    known = {
        page.key: page for page in session.scalars(select(Page).where(Page.declared.is_not(None)))
    }
    changed = False
    for key, page in declared.pages.items():
        text = DeclaredPermissions(page.owner, page.view, page.edit, declared.id).to_json()
        name = page.title[:LONGEST_TEXT]
        one = known.get(key)
        if one is not None and (one.name, one.declared) == (name, text):
            continue
        if one is None:
            one = Page(key=key[:LONGEST_NAME], owner_id=None)
            session.add(one)
        one.name, one.declared = name, text
        record_audit(session, f"flow {declared.id}", "declare_page", key)
        changed = True
    for key, gone in known.items():
        if (
            key not in declared.pages
            and DeclaredPermissions.from_json(gone.declared or "").flow == declared.id
        ):
            changed |= _undeclare(session, gone)
            record_audit(session, f"flow {declared.id}", "undeclare_page", key)
    if changed:
        permissions_changed(session)
    return changed


def _undeclare(session: Session, page: Page) -> bool:
    """Hide a page that no definition has any more; delete it unless alarms of people are on it."""
    if session.scalar(select(Alarm.id).where(Alarm.page_id == page.id).limit(1)) is None:
        session.delete(page)
    else:
        page.declared = DeclaredPermissions("", [], []).to_json()
    return True
