"""Triggers of the alarms that people wrote, as flows report them."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.database.database import one_process_at_a_time
from api.database.models import Alarm, Trigger
from api.database.work_queue import WorkQueue
from api.pages.service import AlarmChange, alarm_change
from api.permissions.private_rules import rule_key
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.updates import Update
from operators.events import AlarmTransition

TRIGGERS = frozenset(
    ("activated", "escalated", "realarmed", "unshelved", "unsuppressed", "in_service", "unacked")
)
AT_ONCE = 500


class RuleTriggers:
    """Take transitions in the event loop and store them in batches, each once."""

    def __init__(self, permissions: LivePermissions, hub: Hub) -> None:
        self._permissions = permissions
        self._hub = hub
        self._queue: WorkQueue[AlarmTransition] = WorkQueue()

    def collect(self, updates: Iterable[Update]) -> None:
        """Queue the triggers among updates."""
        for update in updates:
            event = update.event
            if (
                isinstance(event, AlarmTransition)
                and event.annunciate
                and event.event in TRIGGERS
                and rule_key(event) is not None
            ):
                self._queue.put(event)

    async def run(self) -> None:
        """Store triggers and publish the changes, for ever."""
        await self._queue.run(self._store_and_publish, AT_ONCE)

    async def _store_and_publish(self, batch: list[AlarmTransition]) -> None:
        def work(session: Session) -> list[Update]:
            updates = [change.update() for change in _store(session, batch)]
            self._permissions.peer_updates.put(session, updates)
            return updates

        def publish(updates: list[Update]) -> None:
            for update in updates:
                self._hub.broadcast(update)

        await self._permissions.write(work, publish)


def _store(session: Session, batch: list[AlarmTransition]) -> list[AlarmChange]:
    """Store the triggers that are not known; returns the changes to publish.

    Another api process may read the same transitions at the same moment.
    """
    one_process_at_a_time(session)
    known = set(
        session.scalars(
            select(Trigger.transition).where(Trigger.transition.in_([event.id for event in batch]))
        )
    )
    alarms = {
        alarm.key: alarm
        for alarm in session.scalars(
            select(Alarm).where(Alarm.key.in_([str(rule_key(event)) for event in batch]))
        )
    }
    changes: list[AlarmChange] = []
    for event in batch:
        alarm = alarms.get(str(rule_key(event)))
        if alarm is None or event.id in known:
            continue
        known.add(event.id)
        price = (
            event.value
            if isinstance(event.value, int | float) and not isinstance(event.value, bool)
            else None
        )
        session.add(Trigger(alarm_id=alarm.id, at=event.time, price=price, transition=event.id))
        alarm.last_triggered = max(event.time, alarm.last_triggered or 0.0)
        if not alarm.deleted:
            more = {"price": price, "by": "stream", "subject": event.subject}
            changes.append(alarm_change("triggered", session, alarm, more))
    return changes
