"""From what flows say of the alarms that people wrote: the history of triggers, and
`alarm_update` to who may know.
"""

import asyncio
import collections
import itertools
from collections.abc import Iterable
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.database.database import one_process_at_a_time
from api.database.models import Alarm, Trigger
from api.pages.service import AlarmChange, told
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
    """Takes transitions in the event loop and stores them in batches, each once however often it
    is read.
    """

    def __init__(self, permissions: LivePermissions, hub: Hub) -> None:
        self._permissions = permissions
        self._hub = hub
        self._waiting: collections.deque[AlarmTransition] = collections.deque()
        self._heard = asyncio.Event()

    def heard(self, updates: Iterable[Update]) -> None:
        """Look through what the topics said."""
        for update in updates:
            event = update.event
            if (
                isinstance(event, AlarmTransition)
                and event.annunciate
                and event.event in TRIGGERS
                and rule_key(event) is not None
            ):
                self._waiting.append(event)
                self._heard.set()

    async def run(self) -> None:
        """Store and tell, for ever."""
        while True:
            if not self._waiting:
                await self._heard.wait()
            self._heard.clear()
            while batch := list(itertools.islice(self._waiting, AT_ONCE)):
                await self._permissions.write(
                    partial(self._store_and_announce, batch=batch), self._tell
                )
                for _ in batch:
                    self._waiting.popleft()

    def _store_and_announce(self, session: Session, batch: list[AlarmTransition]) -> list[Update]:
        updates = [one.update() for one in _store(session, batch)]
        self._permissions.peer_updates.put(session, updates)
        return updates

    def _tell(self, updates: list[Update]) -> None:
        for update in updates:
            self._hub.broadcast(update)


def _store(session: Session, batch: list[AlarmTransition]) -> list[AlarmChange]:
    """Store those that are not known; gives what is to be told. Another api may hear the same at
    the same moment.
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
    happened: list[AlarmChange] = []
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
            happened.append(told("triggered", session, alarm, more))
    return happened
