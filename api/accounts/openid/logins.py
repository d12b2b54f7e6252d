"""Logins by a provider: the account of whoever comes back from it, made at the first time."""

import asyncio
import logging
import time
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.accounts import Accounts, check_an_admin_is_left, user_named
from api.accounts.credentials import check_name
from api.accounts.errors import AccountError, LoginRefused, TooManyAttempts
from api.accounts.openid.claims import Person
from api.accounts.openid.provider import Begun, OpenIdProvider
from api.accounts.principal import Principal, principal_of
from api.accounts.rate_limit import RateLimit
from api.accounts.sessions import TokenPair
from api.database.audit_log import record_audit
from api.database.database import permissions_changed
from api.database.models import Group, Member, User
from connectors.http.client_network import client_of

_log = logging.getLogger("vigie.api")
ATTEMPTS, WINDOW = 30, 60.0
"""Logins that one address may begin and finish within so many seconds."""
MOST_AT_ONCE = 8


class Origin(NamedTuple):
    """Where somebody logs in from: address, the secret of the device, and what that is called."""

    address: str
    device: str = ""
    agent: str = ""


class OpenIdLogins:
    """Let people in by what the provider says of them.

    The provider decides on role and groups anew at each login. Accounts belong to its `sub`, which
    never changes, and not to a name: nobody gets an account here by choosing its name there.
    """

    def __init__(self, accounts: Accounts, provider: OpenIdProvider) -> None:
        self.connection = provider.connection
        self._accounts = accounts
        self._provider = provider
        self._attempts = RateLimit(ATTEMPTS, WINDOW)
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def begin(self, address: str) -> Begun:
        """Raises `TooManyAttempts` or `ProviderDown`."""
        self._count(address)
        async with self._turns:
            return await asyncio.to_thread(self._provider.begin)

    async def person(self, code: str, nonce: str, verifier: str, address: str) -> Person:
        """Who came back with a code. Raises `LoginRefused`, `TooManyAttempts`, `ProviderDown`."""
        self._count(address)
        async with self._turns:
            return await asyncio.to_thread(self._provider.finish, code, nonce, verifier)

    def enter(
        self, session: Session, person: Person, origin: Origin
    ) -> tuple[TokenPair, Principal]:
        """Start a login in a writing session. Raises `LoginRefused`."""
        user = _user_of(session, person) or self._new_user(session, person, origin.address)
        if not user.enabled:
            raise LoginRefused(f"the account {user.username} is disabled; ask an admin")
        self._take_over(session, user, person, origin.address)
        principal = principal_of(user)
        pair = self._accounts.logins.start(session, principal, *origin, self.connection.session)
        return pair, principal

    def connect(self, session: Session, who: Principal, person: Person, address: str) -> None:
        """Let somebody who is logged in come by the provider from now on. Raises `AccountError`."""
        other = _user_of(session, person)
        if other is not None and other.id != who.id:
            raise AccountError(
                f"your account at {self.connection.name} is connected with another account here:"
                f" {other.username}"
            )
        user = session.get_one(User, who.id)
        user.issuer, user.subject = person.issuer, person.subject
        record_audit(session, who, "connect_login", user.username, self.connection.name, address)

    def _count(self, address: str) -> None:
        client = client_of(address)
        if wait := self._attempts.wait(client):
            raise TooManyAttempts(wait)
        self._attempts.record_failure(client)

    def _new_user(self, session: Session, person: Person, address: str) -> User:
        try:
            check_name(person.username)
        except AccountError as error:
            raise LoginRefused(
                f"{self.connection.name} calls you {person.username!r}: {error}"
            ) from None
        if user_named(session, person.username) is not None:
            raise LoginRefused(
                f"there is an account {person.username!r} here that {self.connection.name} does not"
                " know of; if it is yours, log in with its password and connect it under 'Your"
                " account'"
            )
        user = User(
            username=person.username,
            password_hash="",
            role=person.role,
            created=time.time(),
            issuer=person.issuer,
            subject=person.subject,
        )
        session.add(user)
        session.flush()
        record_audit(
            session, self.connection.name, "add_account", user.username, person.role, address
        )
        return user

    def _take_over(self, session: Session, user: User, person: Person, address: str) -> None:
        """Give an account the role and the groups that the provider says."""
        if user.role != person.role:
            detail = f"{user.role} -> {person.role}"
            record_audit(
                session, self.connection.name, "change_role", user.username, detail, address
            )
            user.role = person.role
            session.flush()
            try:
                check_an_admin_is_left(session)
            except AccountError as error:
                raise LoginRefused(
                    f"{self.connection.name} makes you {person.role}: {error}"
                ) from None
            permissions_changed(session)
        for name, belongs in person.groups.items():
            group = session.scalar(select(Group).where(Group.name == name, Group.official))
            if group is None:
                _log.warning(
                    "connections.openid.groups names %r; no admin has made a group of that name",
                    name,
                )
                continue
            member = session.get(Member, (group.id, user.id))
            if belongs == (member is not None):
                continue
            if member is None:
                session.add(Member(group_id=group.id, user_id=user.id))
            else:
                session.delete(member)
            action = "add_member" if belongs else "remove_member"
            record_audit(
                session,
                self.connection.name,
                action,
                f"group {group.id}",
                f"user {user.id}",
                address,
            )
            permissions_changed(session)


def _user_of(session: Session, person: Person) -> User | None:
    return session.scalar(
        select(User).where(User.issuer == person.issuer, User.subject == person.subject)
    )
