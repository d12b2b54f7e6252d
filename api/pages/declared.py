"""The pages that definitions declare: flows tell of them over a topic, and the database has them
as they were told last.
"""

import asyncio
import collections
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
        self._waiting: collections.deque[FlowPages] = collections.deque()
        self._heard = asyncio.Event()

    def heard(self, events: Iterable[Event]) -> None:
        """Look through what flows said to the api."""
        for event in events:
            if isinstance(event, Row) and event.table == TABLE:
                try:
                    self._waiting.append(msgspec.convert(event.values, FlowPages))
                except msgspec.ValidationError as error:
                    _log.warning(
                        "the pages of a flow are not as they should be (%s); is it another"
                        " release?",
                        error,
                    )
                    continue
                self._heard.set()

    async def run(self) -> None:
        """Store, for ever; open connections follow at once."""
        while True:
            if not self._waiting:
                await self._heard.wait()
            self._heard.clear()
            while self._waiting:
                if await self._permissions.write(partial(_store, told=self._waiting[0])):
                    await self._permissions.refresh()
                self._waiting.popleft()


def _store(session: Session, told: FlowPages) -> bool:
    """Make the database have these pages of the flow and no others; whether anything changed."""
    one_process_at_a_time(session)
    known = {
        page.key: page for page in session.scalars(select(Page).where(Page.declared.is_not(None)))
    }
    changed = False
    for key, page in told.pages.items():
        declared = DeclaredPermissions(page.owner, page.view, page.edit, told.id).to_json()
        name = page.title[:LONGEST_TEXT]
        one = known.get(key)
        if one is not None and (one.name, one.declared) == (name, declared):
            continue
        if one is None:
            one = Page(key=key[:LONGEST_NAME], owner_id=None)
            session.add(one)
        one.name, one.declared = name, declared
        record_audit(session, f"flow {told.id}", "declare_page", key)
        changed = True
    for key, gone in known.items():
        if (
            key not in told.pages
            and DeclaredPermissions.from_json(gone.declared or "").flow == told.id
        ):
            changed |= _undeclare(session, gone)
            record_audit(session, f"flow {told.id}", "undeclare_page", key)
    if changed:
        permissions_changed(session)
    return changed


def _undeclare(session: Session, page: Page) -> bool:
    """A page that no definition has any longer is seen by nobody; it goes unless alarms of
    people are on it.
    """
    if session.scalar(select(Alarm.id).where(Alarm.page_id == page.id).limit(1)) is None:
        session.delete(page)
    else:
        page.declared = DeclaredPermissions("", [], []).to_json()
    return True
