"""Accounts: who may log in, and who a token belongs to."""

import asyncio
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from api.database import User
from api.rate_limit import RateLimit
from api.tokens import TokenError, Tokens

ADMIN = "admin"
PASSWORD_LIMIT = 1024
WAITING_LOGINS = 32


class LoginRefused(Exception):
    """Wrong name or password (which of them is not said)."""


class TooManyAttempts(Exception):
    """Too many failed logins; `wait` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many failed logins; try again in {wait} s")
        self.wait = wait


@dataclass(frozen=True)
class Person:
    """A logged-in account. `expires` is when its token ends, in epoch seconds."""

    id: int
    username: str
    role: str
    expires: float = 0.0

    def public(self) -> dict[str, Any]:
        """The account as clients see it: id, username, role."""
        return {key: value for key, value in asdict(self).items() if key != "expires"}


class Accounts:
    """Accounts in the database. Hashing runs in one thread of its own: it takes 100 ms and 64 MiB each time."""

    def __init__(
        self,
        engine: Engine,
        tokens: Tokens,
        hasher: PasswordHasher | None = None,
        by_user: RateLimit | None = None,
        by_address: RateLimit | None = None,
    ) -> None:
        self._engine = engine
        self._tokens = tokens
        self._hasher = hasher or PasswordHasher()
        self._by_user = by_user or RateLimit(5, 60)
        self._by_address = by_address or RateLimit(30, 60)
        self._thread = ThreadPoolExecutor(1, "password")
        self._waiting = 0
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def create_first_admin(self, tell: Callable[[str], None]) -> bool:
        """At the first start, make the account `admin` with a random password and `tell` it; it is stored nowhere."""
        with Session(self._engine) as session:
            if session.scalar(select(func.count()).select_from(User)):
                return False
            password = secrets.token_urlsafe(15)
            session.add(self._new(ADMIN, password, "admin"))
            session.commit()
        tell(password)
        return True

    def add(self, username: str, password: str, role: str) -> Person:
        """Add an account; raises `sqlalchemy.exc.IntegrityError` if the name is taken."""
        with Session(self._engine) as session:
            user = self._new(username, password, role)
            session.add(user)
            session.commit()
            return Person(user.id, user.username, user.role)

    async def login(self, username: str, password: str, address: str) -> tuple[str, Person]:
        """A token and whose it is; raises `LoginRefused` or `TooManyAttempts`."""
        keys = ((self._by_user, f"{address} {username[:64]}"), (self._by_address, address))
        if wait := max(limit.wait(key) for limit, key in keys):
            raise TooManyAttempts(wait)
        if self._waiting >= WAITING_LOGINS:
            raise TooManyAttempts(1)
        self._waiting += 1
        try:
            person = await asyncio.get_running_loop().run_in_executor(self._thread, self._verify, username, password)
        finally:
            self._waiting -= 1
        if person is None:
            for limit, key in keys:
                limit.failed(key)
            raise LoginRefused("wrong user name or password")
        self._by_user.succeeded(keys[0][1])
        return self._tokens.issue(person.id), person

    async def person(self, token: str) -> Person:
        """Whose token this is; raises `TokenError` if it is not valid or the account is gone or disabled."""
        claims = self._tokens.check(token)
        found = await asyncio.to_thread(self._find, claims.user_id)
        if found is None:
            raise TokenError("the account of this token is gone or disabled")
        return Person(found.id, found.username, found.role, claims.expires)

    def _new(self, username: str, password: str, role: str) -> User:
        return User(username=username, password_hash=self._hasher.hash(password), role=role, created=time.time())

    def _find(self, user_id: int) -> User | None:
        with Session(self._engine) as session:
            user = session.get(User, user_id)
            return user if user is not None and user.enabled else None

    def _verify(self, username: str, password: str) -> Person | None:
        with Session(self._engine) as session:
            user = session.scalar(select(User).where(User.username == username))
            known = user.password_hash if user is not None and user.enabled else self._nobody
            try:
                self._hasher.verify(known, password[:PASSWORD_LIMIT])
            except (VerificationError, InvalidHashError):
                return None
            return Person(user.id, user.username, user.role) if user is not None and user.enabled else None
