"""What people do with pages and alarms, whatever they ask it by: stored, written to the topic of
rules, and told to everybody who may know."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.models import Alarm, Page, TopicRow
from api.pages import alarms as page_alarms
from api.pages import pages
from api.pages.alarms import public_alarm, public_page, rule_of
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.updates import Update
from api.topics.outbox import TopicRows

RULES = "rules"
"""Channel of what happens to the alarms that people write: created, updated, deleted, triggered."""


class AlarmChange(NamedTuple):
    """What happened to an alarm, for everybody who may view its page."""

    action: str
    page_key: str
    alarm: dict[str, Any]
    more: dict[str, Any]

    def update(self) -> Update:
        alarm = self.alarm
        payload = {
            "alarm_id": alarm["id"], "page_id": alarm["page_id"], "action": self.action, "data": alarm | self.more,
        }  # fmt: skip
        text = msgspec.json.encode(payload).decode()
        return Update(RULES, text, subject=str(alarm["ticker"]), page=self.page_key)


class PageService:
    """Pages, groups and alarms. Everything raises what `api.pages.pages` raises."""

    def __init__(
        self,
        permissions: LivePermissions,
        hub: Hub,
        rows: TopicRows,
        rules_topic: str,
        broker_problem: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`broker_problem` says why the broker cannot be reached, if that is so."""
        self._problem = broker_problem
        self._permissions = permissions
        self._hub = hub
        self._rows = rows
        self._topic = rules_topic

    @property
    def notice(self) -> str | None:
        """What whoever changes an alarm must know: that no flow has heard of it yet."""
        problem = self._problem()
        return (
            problem
            and f"The alarm is saved; flows will hear of it when the broker is back: {problem}"
        )

    # ------------------------------------------------------------------------
    # alarms
    async def create_alarm(
        self, principal: Principal, page_id: int, ticker: str, option: str, condition: str
    ) -> dict[str, Any]:
        return await self._on_alarm(
            "created",
            lambda s: page_alarms.create_alarm(s, principal, page_id, ticker, option, condition),
        )

    async def update_alarm(
        self, principal: Principal, alarm_id: int, changes: dict[str, Any]
    ) -> dict[str, Any]:
        return await self._on_alarm(
            "updated", lambda s: page_alarms.update_alarm(s, principal, alarm_id, changes)
        )

    async def delete_alarm(self, principal: Principal, alarm_id: int) -> dict[str, Any]:
        return await self._on_alarm(
            "deleted", lambda s: page_alarms.delete_alarm(s, principal, alarm_id)
        )

    async def trigger_alarm(
        self, principal: Principal, alarm_id: int, price: object
    ) -> dict[str, Any]:
        def work(session: Session) -> AlarmChange:
            alarm, trigger = page_alarms.trigger_alarm(
                session, principal, alarm_id, price, time.time()
            )
            more = {"price": trigger.price, "by": f"user/{principal.username}"}
            return self._put(session, told("triggered", session, alarm, more))

        done = await self._permissions.write(work, self._announce)
        return done.alarm | done.more

    async def _on_alarm(self, action: str, work: Callable[[Session], Alarm]) -> dict[str, Any]:
        def change(session: Session) -> AlarmChange:
            alarm = work(session)
            self._put_rule(session, alarm)
            return self._put(session, told(action, session, alarm))

        done = await self._permissions.write(change, self._announce)
        self._rows.wake()
        return done.alarm

    def _put_rule(self, session: Session, alarm: Alarm) -> None:
        page = session.get(Page, alarm.page_id)
        assert page is not None
        rule = rule_of(alarm, page.key)
        if rule is None and session.get(TopicRow, (self._topic, alarm.key)) is None:
            return
        row = rule or {"id": alarm.key, "deleted": True}
        self._rows.put(session, self._topic, alarm.key, msgspec.json.encode(row))

    def _put(self, session: Session, happened: AlarmChange) -> AlarmChange:
        self._permissions.peer_updates.put(session, [happened.update()])
        return happened

    def _announce(self, happened: AlarmChange) -> None:
        self._hub.broadcast(happened.update())

    # ------------------------------------------------------------------------------------- pages
    # and sharing
    async def begin(self, principal: Principal, then: Callable[[dict[str, Any]], None]) -> None:
        """Give `then` everything the account may view, before anything else happens."""
        await self._permissions.read(
            lambda session: page_alarms.initial_state(session, principal), then
        )

    async def create_page(self, principal: Principal, name: str) -> dict[str, Any]:
        def work(session: Session) -> tuple[dict[str, Any], set[int]]:
            return public_page(pages.create_page(session, principal, name), principal), {
                principal.id
            }

        return await self._permissions.change_permissions(work)

    async def rename_page(self, principal: Principal, page_id: int, name: str) -> dict[str, Any]:
        return await self._permissions.write(
            lambda session: public_page(
                pages.rename_page(session, principal, page_id, name), principal
            )
        )

    async def delete_page(self, principal: Principal, page_id: int) -> None:
        await self._permissions.change_permissions(
            lambda session: (None, pages.delete_page(session, principal, page_id))
        )

    async def share_page(
        self,
        principal: Principal,
        page_id: int,
        subject_type: pages.SubjectType,
        subject_id: int,
        can_view: bool,
        can_edit: bool,
    ) -> dict[str, Any]:
        def work(session: Session) -> tuple[None, set[int]]:
            return None, pages.share_page(
                session, principal, page_id, subject_type, subject_id, can_view, can_edit
            )

        await self._permissions.change_permissions(work)
        return {
            "page_id": page_id, "subject_type": subject_type, "subject_id": subject_id, "can_view": can_view,
            "can_edit": can_edit,
        }  # fmt: skip

    async def unshare_page(
        self, principal: Principal, page_id: int, subject_type: pages.SubjectType, subject_id: int
    ) -> None:
        await self._permissions.change_permissions(
            lambda session: (
                None,
                pages.unshare_page(session, principal, page_id, subject_type, subject_id),
            )
        )

    # ------------------------------------------------------------------------
    # groups
    async def create_group(self, principal: Principal, name: str) -> dict[str, Any]:
        def work(session: Session) -> dict[str, Any]:
            group = pages.create_group(session, principal, name)
            return {"id": group.id, "name": group.name, "owner_id": group.owner_id}

        return await self._permissions.write(work)

    async def add_member(self, principal: Principal, group_id: int, user_id: int) -> None:
        await self._permissions.change_permissions(
            lambda session: (None, pages.add_member(session, principal, group_id, user_id))
        )

    async def remove_member(self, principal: Principal, group_id: int, user_id: int) -> None:
        await self._permissions.change_permissions(
            lambda session: (None, pages.remove_member(session, principal, group_id, user_id))
        )

    async def delete_group(self, principal: Principal, group_id: int) -> None:
        await self._permissions.change_permissions(
            lambda session: (None, pages.delete_group(session, principal, group_id))
        )


def told(
    action: str, session: Session, alarm: Alarm, more: dict[str, Any] | None = None
) -> AlarmChange:
    """What happened to an alarm, with the alarm as it is now."""
    page = session.get(Page, alarm.page_id)
    assert page is not None
    return AlarmChange(action, page.key, public_alarm(alarm), more or {})
