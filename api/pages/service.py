"""Pages and their alarms as people change them, by whichever protocol they ask.

Changes are stored, written to the topic of rules, and sent to everybody who may see the page.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.models import Alarm, OutboxRow, Page
from api.pages import alarms as page_alarms
from api.pages import pages
from api.pages.alarms import public_alarm, public_page, rule_of
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.updates import Update
from api.topics.outbox import Outbox
from api.web.change_budget import ChangeBudget

RULES = "rules"
"""Channel of what happens to the alarms that people write: created, updated, deleted, triggered."""


class AlarmChange(NamedTuple):
    """A change of an alarm, for everybody who may view its page."""

    action: str
    page_key: str
    alarm: dict[str, Any]
    more: dict[str, Any]

    def update(self) -> Update:
        """The change as an update of the channel `rules`."""
        alarm = self.alarm
        payload = {
            "alarm_id": alarm["id"],
            "page_id": alarm["page_id"],
            "action": self.action,
            "data": alarm | self.more,
        }
        text = msgspec.json.encode(payload).decode()
        return Update(RULES, text, subject=str(alarm["ticker"]), page=self.page_key)


class PageService:
    """Change pages and alarms. Raises `api.pages.errors`."""

    def __init__(
        self,
        permissions: LivePermissions,
        hub: Hub,
        outbox: Outbox,
        rules_topic: str,
        broker_problem: Callable[[], str | None] = lambda: None,
        changes: ChangeBudget | None = None,
    ) -> None:
        """`broker_problem` says why the broker cannot be reached, if that is so."""
        self.changes = changes
        self._problem = broker_problem
        self._permissions = permissions
        self._hub = hub
        self._outbox = outbox
        self._topic = rules_topic

    @property
    def broker_warning(self) -> str | None:
        """A warning for whoever changes an alarm while no flow can learn of it; None otherwise."""
        problem = self._problem()
        return (
            problem
            and f"The alarm is saved; flows will hear of it when the broker is back: {problem}"
        )

    async def create_alarm(
        self, principal: Principal, page_id: str, ticker: str, option: str, condition: str
    ) -> dict[str, Any]:
        """Add an alarm to a page."""
        return await self._on_alarm(
            "created",
            lambda s: page_alarms.create_alarm(s, principal, page_id, ticker, option, condition),
        )

    async def update_alarm(
        self, principal: Principal, alarm_id: str, changes: dict[str, Any]
    ) -> dict[str, Any]:
        """Change an alarm."""
        return await self._on_alarm(
            "updated", lambda s: page_alarms.update_alarm(s, principal, alarm_id, changes)
        )

    async def delete_alarm(self, principal: Principal, alarm_id: str) -> dict[str, Any]:
        """Delete an alarm."""
        return await self._on_alarm(
            "deleted", lambda s: page_alarms.delete_alarm(s, principal, alarm_id)
        )

    async def trigger_alarm(
        self, principal: Principal, alarm_id: str, price: object
    ) -> dict[str, Any]:
        """Record that somebody triggered an alarm."""

        def work(session: Session) -> AlarmChange:
            alarm, trigger = page_alarms.trigger_alarm(
                session, principal, alarm_id, price, time.time()
            )
            more = {"price": trigger.price, "by": f"user/{principal.username}"}
            return self._put(session, alarm_change("triggered", session, alarm, more))

        done = await self._permissions.write(work, self._announce)
        return done.alarm | done.more

    async def _on_alarm(self, action: str, work: Callable[[Session], Alarm]) -> dict[str, Any]:
        def work_and_put(session: Session) -> AlarmChange:
            alarm = work(session)
            self._put_rule(session, alarm)
            return self._put(session, alarm_change(action, session, alarm))

        done = await self._permissions.write(work_and_put, self._announce)
        self._outbox.wake()
        return done.alarm

    def _put_rule(self, session: Session, alarm: Alarm) -> None:
        page = session.get(Page, alarm.page_id)
        assert page is not None
        rule = rule_of(alarm, page.key)
        if rule is None and session.get(OutboxRow, (self._topic, alarm.key)) is None:
            return
        row = rule or {"id": alarm.key, "deleted": True}
        self._outbox.put(session, self._topic, alarm.key, msgspec.json.encode(row))

    def _put(self, session: Session, change: AlarmChange) -> AlarmChange:
        self._permissions.peer_updates.put(session, [change.update()])
        return change

    def _announce(self, change: AlarmChange) -> None:
        self._hub.broadcast(change.update())

    async def begin(self, principal: Principal, then: Callable[[dict[str, Any]], None]) -> None:
        """Give `then` everything the account may view, before anything changes."""
        await self._permissions.read(
            lambda session: page_alarms.initial_state(session, principal), then
        )

    async def create_page(self, principal: Principal, name: str) -> dict[str, Any]:
        """Make a page."""

        def work(session: Session) -> tuple[dict[str, Any], set[str]]:
            return public_page(pages.create_page(session, principal, name), principal), {
                principal.id
            }

        return await self._permissions.change_permissions(work)

    async def rename_page(self, principal: Principal, page_id: str, name: str) -> dict[str, Any]:
        """Rename a page."""
        return await self._permissions.write(
            lambda session: public_page(
                pages.rename_page(session, principal, page_id, name), principal
            )
        )

    async def delete_page(self, principal: Principal, page_id: str) -> None:
        """Delete a page without alarms."""
        await self._permissions.change_permissions(
            lambda session: (None, pages.delete_page(session, principal, page_id))
        )

    async def share_page(
        self,
        principal: Principal,
        page_id: str,
        subject_type: pages.SubjectType,
        subject_id: str,
        can_view: bool,
        can_edit: bool,
    ) -> dict[str, Any]:
        """Grant an account or a group permissions on a page."""

        def work(session: Session) -> tuple[None, set[str]]:
            return None, pages.share_page(
                session, principal, page_id, subject_type, subject_id, can_view, can_edit
            )

        await self._permissions.change_permissions(work)
        return {
            "page_id": page_id,
            "subject_type": subject_type,
            "subject_id": subject_id,
            "can_view": can_view,
            "can_edit": can_edit,
        }

    async def unshare_page(
        self, principal: Principal, page_id: str, subject_type: pages.SubjectType, subject_id: str
    ) -> None:
        """Take back what an account or group was granted."""
        await self._permissions.change_permissions(
            lambda session: (
                None,
                pages.unshare_page(session, principal, page_id, subject_type, subject_id),
            )
        )


def alarm_change(
    action: str, session: Session, alarm: Alarm, more: dict[str, Any] | None = None
) -> AlarmChange:
    """A change of an alarm, with the alarm as it is now."""
    page = session.get(Page, alarm.page_id)
    assert page is not None
    return AlarmChange(action, page.key, public_alarm(alarm), more or {})
