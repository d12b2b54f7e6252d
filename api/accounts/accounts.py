"""Accounts: made, changed, registered, and the way to log in to them."""

import asyncio
import secrets
import time
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.credentials import check_name, check_password
from api.accounts.devices import forget_devices
from api.accounts.errors import AccountError, LastAdmin, NameTaken, TooManyAttempts
from api.accounts.login_limits import LoginLimits
from api.accounts.logins import Logins
from api.accounts.password_hashing import PasswordHashing
from api.accounts.principal import Principal, principal_of
from api.accounts.rate_limit import RateLimit
from api.accounts.roles import Role
from api.accounts.sessions import LoginSessions
from api.accounts.tokens import Tokens
from api.database.audit_log import record_audit
from api.database.database import Database, one_process_at_a_time, permissions_changed
from api.database.declared import DeclaredPermissions
from api.database.models import Page, User
from connectors.http.client_network import client_of

ADMIN = "admin"


class Accounts:
    """The accounts in the database. Methods that are not coroutines block: call them in a thread.

    `logins` is how people log in to them, `sessions` what the database holds of that.
    """

    def __init__(
        self, database: Database, tokens: Tokens, limits: LoginLimits | None = None
    ) -> None:
        self.database = database
        self.sessions = LoginSessions(tokens)
        self._hashing = PasswordHashing()
        self.logins = Logins(
            database, tokens, self.sessions, self._hashing, limits or LoginLimits()
        )
        self._registrations = RateLimit(10, 3600)

    def close(self) -> None:
        """Close the database, and end the thread that hashes."""
        self._hashing.close()
        self.database.close()

    def create_first_admin(self, show: Callable[[str], None]) -> bool:
        """At the first start, make the account `admin` and `show` its random password.

        It must be changed before anything else: who has read a log of the start has read it.
        The password is stored nowhere, so it is shown before the account is kept: a start that
        ends in between leaves no account, and the next one shows another password. Returns False
        where there are accounts already.
        """
        with self.database.write() as session:
            one_process_at_a_time(session)
            if session.scalar(select(func.count()).select_from(User)):
                return False
            password = secrets.token_urlsafe(15)
            session.add(self._new(ADMIN, password, "admin", must_change=True))
            record_audit(session, "vigie", "add_account", ADMIN)
            session.flush()
            show(password)
        return True

    async def register(self, username: str, password: str, address: str) -> tuple[Principal, float]:
        """An account that people make for themselves, and when it was made.

        Raises `AccountError` or `TooManyAttempts`.
        """
        client = client_of(address)
        if wait := self._registrations.wait(client):
            raise TooManyAttempts(wait)
        check_name(username)
        check_password(password, username)
        self._registrations.record_failure(client)
        return await self._hashing.run(lambda: self._register(username, password, address))

    def add(
        self,
        username: str,
        password: str,
        role: Role,
        by: Principal | str = "vigie",
        address: str = "",
        must_change: bool = False,
    ) -> Principal:
        """Add an account. Raises `AccountError`."""
        check_name(username)
        check_password(password, username)
        user = self._new(username, password, role, must_change)
        try:
            with self.database.write() as session:
                session.add(user)
                session.flush()
                record_audit(session, by, "add_account", username, role, address)
        except IntegrityError:
            raise NameTaken(username) from None
        return Principal(user.id, user.username, role)

    def change(
        self,
        user_id: str,
        by: Principal | str,
        *,
        role: Role | None = None,
        enabled: bool | None = None,
        password: str | None = None,
        must_change: bool | None = None,
        address: str = "",
    ) -> Principal:
        """Change an account. Raises `AccountError`.

        Disabling it and giving it a new password end its logins. A new password need not be changed
        unless that is said.
        """
        hashed = None if password is None else self._hashing.hash(password)
        if hashed is not None:
            must_change = bool(must_change)
        with self.database.write() as session:
            user = _existing(session, user_id)
            if password is not None:
                check_password(password, user.username)
            for action, detail in _set(user, role, enabled, hashed, must_change):
                record_audit(session, by, action, user.username, detail, address)
            if hashed is not None or enabled is False:
                self.sessions.end_all(session, user.id)
                if isinstance(by, str) or by.id != user.id:
                    forget_devices(session, user.id)
            session.flush()
            check_an_admin_is_left(session)
            permissions_changed(session)
            return principal_of(user)

    async def add_later(
        self,
        username: str,
        password: str,
        role: Role,
        must_change: bool,
        by: Principal,
        address: str,
    ) -> Principal:
        """`add`, from the event loop. Raises `TooManyAttempts` as well."""
        return await self._hashing.run(
            lambda: self.add(username, password, role, by, address, must_change), known=True
        )

    async def change_later(
        self,
        user_id: str,
        by: Principal,
        role: Role | None,
        enabled: bool | None,
        password: str | None,
        must_change: bool | None,
        address: str,
    ) -> Principal:
        """`change`, from the event loop. Raises `TooManyAttempts` as well."""
        return await self._hashing.run(
            lambda: self.change(
                user_id,
                by,
                role=role,
                enabled=enabled,
                password=password,
                must_change=must_change,
                address=address,
            ),
            known=True,
        )

    async def change_own_password(
        self, principal: Principal, old: str, new: str, address: str
    ) -> None:
        """Give an account a new password for its old one.

        Raises `LoginRefused`, `TooManyAttempts` or `AccountError`.
        """
        check_password(new, principal.username)
        await self.logins.check_own_password(principal, old, address)
        if new == old:
            raise AccountError("the new password is the old one: choose another")
        await self.change_later(principal.id, principal, None, None, new, False, address)

    async def end_logins(self, user_id: str, by: Principal | str, address: str = "") -> None:
        """`end_logins_now`, from the event loop."""
        await asyncio.to_thread(self.end_logins_now, user_id, by, address)

    def end_logins_now(self, user_id: str, by: Principal | str, address: str = "") -> None:
        """End every login of an account, which may log in again. Raises `AccountError`."""
        with self.database.write() as session:
            user = _existing(session, user_id)
            self.sessions.end_all(session, user.id)
            forget_devices(session, user.id)
            record_audit(session, by, "end_logins", user.username, "", address)
            permissions_changed(session)

    def _new(self, username: str, password: str, role: str, must_change: bool = False) -> User:
        return User(
            username=username,
            password_hash=self._hashing.hash(password),
            role=role,
            must_change=must_change,
            created=time.time(),
        )

    def _register(self, username: str, password: str, address: str) -> tuple[Principal, float]:
        with self.database.read() as session:
            declared = session.scalars(select(Page.declared).where(Page.declared.is_not(None)))
            reserved = {
                name
                for text in declared
                if text
                for name in DeclaredPermissions.from_json(text).names()
            }
        if f"user/{username}" in reserved:
            raise NameTaken(username)
        principal = self.add(username, password, "viewer", by=username, address=address)
        with self.database.read() as session:
            return principal, session.get_one(User, principal.id).created


def user_named(session: Session, username: str) -> User | None:
    """The account of a name."""
    return session.scalar(select(User).where(User.username == username))


def _existing(session: Session, user_id: str) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise AccountError(f"there is no account {user_id}")
    return user


def _set(
    user: User,
    role: Role | None,
    enabled: bool | None,
    hashed: str | None,
    must_change: bool | None,
) -> list[tuple[str, str]]:
    """Change what is given; the actions for the audit log, each with its detail."""
    actions = []
    if role is not None and role != user.role:
        actions.append(("change_role", f"{user.role} -> {role}"))
        user.role = role
    if enabled is not None and enabled != user.enabled:
        actions.append(("enable_account" if enabled else "disable_account", ""))
        user.enabled = enabled
    if hashed is not None:
        actions.append(("change_password", ""))
        user.password_hash = hashed
    if must_change is not None and must_change != user.must_change:
        if must_change:
            actions.append(("must_change_password", ""))
        user.must_change = must_change
    return actions


def check_an_admin_is_left(session: Session) -> None:
    """Raise `LastAdmin` where a change leaves none."""
    admins = select(func.count()).select_from(User).where(User.role == "admin", User.enabled)
    if not session.scalar(admins):
        raise LastAdmin
