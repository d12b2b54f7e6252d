"""The browsers that are told of alarms, and of which they were told."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.database import one_process_at_a_time
from api.database.models import LONGEST_TEXT, Login, PushNote, PushSubscription, User
from api.permissions.page_permissions import EffectivePermissions
from api.permissions.visibility import Visibility
from operators.events import AlarmTransition

MOST_EACH = 10
"""Browsers of an account; beyond, the oldest goes."""
MOST = 5000
LATE = 900.0
"""Seconds after which a start is no news for an api that was away."""


class TooMany(ValueError):
    """So many browsers cannot be told; the message has the bound."""


def digest(text: str) -> str:
    """A short name of something long."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def store(
    session: Session,
    who: Principal,
    endpoint: str,
    keys: tuple[str, str],
    priorities: Iterable[str],
    language: str,
    agent: str,
) -> PushSubscription:
    """Note what a browser wants; it is the account's that asked last. Raises `TooMany`."""
    found = session.scalar(
        select(PushSubscription).where(PushSubscription.hash == digest(endpoint))
    )
    if found is None:
        if (session.scalar(select(func.count(PushSubscription.id))) or 0) >= MOST:
            raise TooMany(f"{MOST} browsers are told already, which is the most")
        found = PushSubscription(hash=digest(endpoint), endpoint=endpoint, created=time.time())
        session.add(found)
    elif found.user_id != who.id:
        session.execute(delete(PushNote).where(PushNote.subscription_id == found.id))
        found.created = time.time()
    found.user_id, found.login_id = who.id, who.login
    found.p256dh, found.auth = keys
    found.priorities, found.language = sorted(set(priorities)), language
    found.agent = agent[:LONGEST_TEXT]
    session.flush()
    mine = select(PushSubscription).where(PushSubscription.user_id == who.id)
    newest = session.scalars(mine.order_by(PushSubscription.created.desc()))
    for one in list(newest)[MOST_EACH:]:
        session.delete(one)
    return found


class Recipients:
    """Decides in one session who is told of what, and notes it, so that each is told once.

    Several processes may read the same transitions at the same moment.
    """

    def __init__(self, session: Session) -> None:
        one_process_at_a_time(session)
        self._session = session
        self._visible: dict[str, Visibility] = {}
        now = time.time()
        wanted = (
            select(PushSubscription)
            .join(User, User.id == PushSubscription.user_id)
            .join(Login, Login.id == PushSubscription.login_id)
            .where(User.enabled, ~User.must_change, Login.ended.is_(None), Login.expires > now)
        )
        self._subscriptions = list(session.scalars(wanted))

    def of(self, event: AlarmTransition, live: bool) -> Iterator[PushSubscription]:
        """The browsers that are to be told of a transition; not `live`: of before this start."""
        for one in self._subscriptions:
            late = not live and event.recorded < max(time.time() - LATE, one.created)
            if not late and self._may(one.user_id, event) and self._note(one, event):
                yield one

    def _may(self, user: str, event: AlarmTransition) -> bool:
        if user not in self._visible:
            self._visible[user] = EffectivePermissions(self._session, user).visibility()
        return self._visible[user].allows(event.page, event.subject, event.labels.get("camera"))

    def _note(self, one: PushSubscription, event: AlarmTransition) -> bool:
        key: Any = (one.id, digest(f"{event.rule}\n{event.subject}"))
        known = self._session.get(PushNote, key)
        if known is not None and (event.recorded, event.seq) <= (known.recorded, known.seq):
            return False
        if event.annunciation == "end":
            if known is None or known.over:
                return False
            known.over = True
        elif event.priority not in one.priorities:
            return False
        elif known is None:
            known = PushNote(subscription_id=key[0], alarm=key[1], over=False)
            self._session.add(known)
        else:
            known.over = False
        known.recorded, known.seq = event.recorded, event.seq
        return True
