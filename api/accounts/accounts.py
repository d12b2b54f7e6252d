"""Accounts: who may log in, and who a token belongs to."""

import asyncio
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.accounts.principal import Person
from api.accounts.rate_limit import RateLimit
from api.accounts.sessions import Logins, Pair
from api.accounts.tokens import TokenError, Tokens
from api.database.database import Database, note, one_process_at_a_time, rights_changed
from api.database.declared import Declared
from api.database.models import LONGEST_NAME, ROLES, Page, Role, User

Done = TypeVar("Done")
ADMIN = "admin"
PASSWORD_LIMIT = 1024
SHORTEST_PASSWORD = 8
WAITING_LOGINS = 32
LOGGED_OUT = "logged out, or the account is disabled; log in again"
_NAME = re.compile(r"[^\W_][\w.@+-]*")


class LoginRefused(Exception):
    """Wrong name or password (which of them is not said)."""


class TooManyAttempts(Exception):
    """Too many failed logins; `wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many failed logins; try again in {wait} s")
        self.wait = wait


class AccountError(Exception):
    """An account cannot be made or changed so; the message is for whoever asked."""


class Accounts:
    """Accounts in the database. Hashing runs in one thread of its own: it takes 100 ms and 64 MiB
    each time.

    Guessing is slowed down three ways: failures of one address for one name, failures of one
    address, and failures for one name from everywhere. The last locks the name for addresses from
    which nobody has logged in to it.
    """

    def __init__(
        self,
        database: Database,
        tokens: Tokens,
        hasher: PasswordHasher | None = None,
        by_user: RateLimit | None = None,
        by_address: RateLimit | None = None,
        by_name: RateLimit | None = None,
    ) -> None:
        self.database = database
        self.tokens = tokens
        self.logins = Logins(tokens)
        self._hasher = hasher or PasswordHasher()
        self._by_user = by_user or RateLimit(5, 60)
        self._by_address = by_address or RateLimit(30, 60)
        self._by_name = by_name or RateLimit(50, 900)
        self._registrations = RateLimit(10, 3600)
        self._known: dict[tuple[str, str], None] = {}
        self._thread = ThreadPoolExecutor(1, "password")
        self._waiting = 0
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self.database.close()

    # ----------------------------------------------------------------------------------------------
    # logins
    async def login(self, username: str, password: str, address: str) -> tuple[Pair, Person]:
        """Tokens and whose they are; raises `LoginRefused` or `TooManyAttempts`."""
        name = username[:LONGEST_NAME]
        limits = [(self._by_user, f"{address} {name}"), (self._by_address, address)]
        if (address, name) not in self._known:
            limits.append((self._by_name, name))
        if wait := max(limit.wait(key) for limit, key in limits):
            raise TooManyAttempts(wait)
        for limit, key in limits:
            limit.failed(key)  # before it is known: many guesses at once are as many failures
        person = await self._hashing(lambda: self._verify(username, password))
        if person is None:
            await asyncio.to_thread(self._note, name, "login_refused", address)
            raise LoginRefused("wrong user name or password")
        for limit, key in limits:
            limit.forgive(key)
        self._by_user.succeeded(limits[0][1])
        self._remember(address, name)
        return await asyncio.to_thread(self._start, person, address)

    def claimed(self, token: str) -> Person:
        """Whose token this claims to be, without a name, and without asking whether its login still
        stands; raises
        `TokenError`."""
        claims = self.tokens.check(token)
        return Person(claims.user_id, "", "viewer", claims.expires, claims.login)

    async def person(self, token: str) -> Person:
        """Whose token this is; raises `TokenError` if it is not valid, was revoked, or the
        account is disabled.
        """
        claims = self.tokens.check(token)
        return await asyncio.to_thread(self._find, claims.user_id, claims.login, claims.expires)

    async def refresh(self, refresh_token: str, address: str) -> tuple[Pair, Person]:
        """New tokens for a refresh token, which is then used up; raises `TokenError`. One that
        was used before ends the login: somebody else has it."""
        return await asyncio.to_thread(self._refresh, refresh_token, address)

    def renew(self, person: Person) -> str:
        """Another access token of the same login, for who has no refresh token."""
        return self.tokens.issue(person.id, person.login)

    async def logout(self, person: Person, address: str) -> None:
        """End a login: none of its tokens is accepted any longer."""
        await asyncio.to_thread(self._logout, person, address)

    # --------------------------------------------------------------------------------------------
    # accounts
    def create_first_admin(self, tell: Callable[[str], None]) -> bool:
        """At the first start, make the account `admin` with a random password and `tell` it; it
        is stored nowhere.
        """
        with self.database.write() as session:
            one_process_at_a_time(session)
            if session.scalar(select(func.count()).select_from(User)):
                return False
            password = secrets.token_urlsafe(15)
            session.add(self._new(ADMIN, password, "admin"))
            note(session, "vigie", "add_account", ADMIN)
        tell(password)
        return True

    async def register(self, username: str, password: str, address: str) -> Person:
        """An account that somebody makes for himself; raises `AccountError` or
        `TooManyAttempts`.
        """
        if wait := self._registrations.wait(address):
            raise TooManyAttempts(wait)
        check_name(username)
        check_password(password)
        self._registrations.failed(address)
        return await self._hashing(lambda: self._register(username, password, address))

    def add(
        self,
        username: str,
        password: str,
        role: Role,
        by: Person | str = "vigie",
        address: str = "",
    ) -> Person:
        """Add an account; raises `AccountError`."""
        check_name(username)
        check_password(password)
        user = self._new(username, password, role)
        try:
            with self.database.write() as session:
                session.add(user)
                session.flush()
                note(session, by, "add_account", username, role, address)
        except IntegrityError:
            raise AccountError(f"the name {username!r} is taken; choose another") from None
        return Person(user.id, user.username, role)

    def change(
        self,
        user_id: int,
        by: Person | str,
        *,
        role: Role | None = None,
        enabled: bool | None = None,
        password: str | None = None,
        address: str = "",
    ) -> Person:
        """Change an account. A new password, and disabling it, end its logins. Raises
        `AccountError`.
        """
        if password is not None:
            check_password(password)
        hashed = None if password is None else self._hasher.hash(password)
        with self.database.write() as session:
            user = session.get(User, user_id)
            if user is None:
                raise AccountError(f"there is no account {user_id}")
            if role is not None and role != user.role:
                note(session, by, "change_role", user.username, f"{user.role} -> {role}", address)
                user.role = role
            if enabled is not None and enabled != user.enabled:
                note(
                    session,
                    by,
                    "enable_account" if enabled else "disable_account",
                    user.username,
                    "",
                    address,
                )
                user.enabled = enabled
            if hashed is not None:
                note(session, by, "change_password", user.username, "", address)
                user.password_hash = hashed
            if hashed is not None or enabled is False:
                self.logins.end_all(session, user.id)
            session.flush()
            admins = (
                select(func.count()).select_from(User).where(User.role == "admin", User.enabled)
            )
            if not session.scalar(admins):
                raise AccountError(
                    "nobody would be left who may change accounts; make another admin first"
                )
            rights_changed(session)
            return Person(user.id, user.username, cast("Role", user.role))

    async def add_later(
        self, username: str, password: str, role: Role, by: Person, address: str
    ) -> Person:
        """Like `add`, from the event loop; raises `TooManyAttempts`, too."""
        return await self._hashing(lambda: self.add(username, password, role, by, address))

    async def change_later(
        self,
        user_id: int,
        by: Person,
        role: Role | None,
        enabled: bool | None,
        password: str | None,
        address: str,
    ) -> Person:
        """Like `change`, from the event loop; raises `TooManyAttempts`, too."""
        return await self._hashing(
            lambda: self.change(
                user_id, by, role=role, enabled=enabled, password=password, address=address
            )
        )

    async def end_logins(self, user_id: int, by: Person | str, address: str = "") -> None:
        """End every login of an account, which may log in again. Raises `AccountError`."""
        await asyncio.to_thread(self.end_logins_now, user_id, by, address)

    def end_logins_now(self, user_id: int, by: Person | str, address: str = "") -> None:
        """Like `end_logins`, from a thread."""
        with self.database.write() as session:
            user = session.get(User, user_id)
            if user is None:
                raise AccountError(f"there is no account {user_id}")
            self.logins.end_all(session, user.id)
            note(session, by, "end_logins", user.username, "", address)
            rights_changed(session)

    async def change_own_password(self, person: Person, old: str, new: str, address: str) -> None:
        """Raises `LoginRefused`, `TooManyAttempts` or `AccountError`."""
        key = f"{address} {person.username}"
        if wait := self._by_user.wait(key):
            raise TooManyAttempts(wait)
        check_password(new)
        self._by_user.failed(key)  # before it is known, as at a login
        if await self._hashing(lambda: self._verify(person.username, old)) is None:
            raise LoginRefused("the old password is wrong")
        self._by_user.forgive(key)
        await self._hashing(lambda: self.change(person.id, person, password=new, address=address))

    # ------------------------------------------------------------------------------------------ in
    # a thread
    async def _hashing(self, work: Callable[[], Done]) -> Done:
        """Do what hashes passwords in its thread; raises `TooManyAttempts` when too much waits
        there.
        """
        if self._waiting >= WAITING_LOGINS:
            raise TooManyAttempts(1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _new(self, username: str, password: str, role: str) -> User:
        return User(
            username=username,
            password_hash=self._hasher.hash(password),
            role=role,
            created=time.time(),
        )

    def _remember(self, address: str, name: str) -> None:
        self._known[address, name] = None
        if len(self._known) > 10_000:
            del self._known[next(iter(self._known))]

    def _note(self, by: Person | str, action: str, address: str) -> None:
        with self.database.write() as session:
            note(session, by, action, address=address)

    def _register(self, username: str, password: str, address: str) -> Person:
        with self.database.read() as session:
            declared = session.scalars(select(Page.declared).where(Page.declared.is_not(None)))
            reserved = {name for text in declared if text for name in Declared.of(text).names()}
        if f"user/{username}" in reserved:
            raise AccountError(f"the name {username!r} is taken; choose another")
        return self.add(username, password, "viewer", by=username, address=address)

    def _verify(self, username: str, password: str) -> Person | None:
        with self.database.read() as session:
            user = session.scalar(select(User).where(User.username == username))
        known = user.password_hash if user is not None and user.enabled else self._nobody
        try:
            self._hasher.verify(known, password[:PASSWORD_LIMIT])
        except (VerificationError, InvalidHashError):
            return None
        return _person(user) if user is not None and user.enabled else None

    def _start(self, person: Person, address: str) -> tuple[Pair, Person]:
        with self.database.write() as session:
            pair = self.logins.start(session, person.id)
            note(session, person, "login", address=address)
        return pair, person

    def _find(self, user_id: int, login: str, expires: float) -> Person:
        with self.database.read() as session:
            user = self.logins.user_of(session, login)
        if user is None or user.id != user_id:
            raise TokenError(LOGGED_OUT)
        return _person(user, expires, login)

    def _refresh(self, refresh_token: str, address: str) -> tuple[Pair, Person]:
        with self.database.write() as session:
            outcome = self.logins.refresh(session, refresh_token)
            if outcome.pair is None and outcome.user is not None:
                note(session, _person(outcome.user), "refresh_token_reused", address=address)
                rights_changed(session)
        if outcome.pair is None or outcome.user is None:
            raise TokenError(
                "the refresh token is not valid, was used before, or has expired; log in again"
            )
        return outcome.pair, _person(outcome.user)

    def _logout(self, person: Person, address: str) -> None:
        with self.database.write() as session:
            self.logins.end(session, person.login)
            note(session, person, "logout", address=address)
            rights_changed(session)


def random_password() -> str:
    """A password of 96 random bits that can be read out."""
    return secrets.token_urlsafe(12)


def check_name(username: str) -> None:
    """Raises `AccountError` for what cannot be a user name."""
    if len(username) > LONGEST_NAME or not _NAME.fullmatch(username):
        raise AccountError(
            f"a user name has 1 to {LONGEST_NAME} letters, digits and . @ + - _, and begins"
            " with one"
        )


def check_password(password: str) -> None:
    """Raises `AccountError` for what cannot be a password."""
    if not SHORTEST_PASSWORD <= len(password) <= PASSWORD_LIMIT:
        raise AccountError(
            f"a password has at least {SHORTEST_PASSWORD} characters, and at most {PASSWORD_LIMIT}"
        )


def check_role(role: object) -> Role:
    """Raises `AccountError` for what is not a role."""
    if role not in ROLES:
        raise AccountError(f"{role!r} is not a role; there are {', '.join(ROLES)}")
    return role


def _person(user: User, expires: float = 0.0, login: str = "") -> Person:
    return Person(user.id, user.username, cast("Role", user.role), expires, login)


def user_named(session: Session, username: str) -> User | None:
    """The account of a name."""
    return session.scalar(select(User).where(User.username == username))
