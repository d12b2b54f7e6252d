"""Login sessions in the database: the refresh tokens of each, and how it ends."""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.accounts.api_tokens import LOGIN, principal_of_token_id
from api.accounts.principal import Principal, principal_of
from api.accounts.tokens import Tokens
from api.database.models import LONGEST_NAME, LONGEST_TEXT, Login, RefreshToken, User
from api.secret_repr import redacted

LIFETIME = 30 * 86_400.0
"""Seconds after which a login ends, however often it was refreshed."""

MOST_UNSAVED = 1000


class TokenPair(NamedTuple):
    """An access token, and a refresh token that is exchanged once for the next pair.

    `device` is the secret by which the device that logged in is known later.
    """

    access: str
    refresh: str
    device: str = ""

    def __repr__(self) -> str:
        return redacted(self)


class Refreshed(NamedTuple):
    """Outcome of a refresh.

    `user` is whose refresh token it was, None if it was none; `pair` the next tokens, None if it
    could not be used any longer.
    """

    user: User | None = None
    pair: TokenPair | None = None


class LoginSessions:
    """Start, refresh and end logins; methods take a writing session unless they say otherwise."""

    def __init__(self, tokens: Tokens, clock: Callable[[], float] = time.time) -> None:
        self._tokens = tokens
        self._clock = clock
        self._unsaved: dict[str, tuple[str, float]] = {}

    def start(
        self,
        session: Session,
        user_id: str,
        address: str = "",
        agent: str = "",
        lifetime: float = LIFETIME,
    ) -> TokenPair:
        """Start a login of at most `lifetime` seconds; those that have expired are deleted."""
        now = self._clock()
        session.execute(delete(Login).where(Login.expires < now))
        login = Login(
            id=secrets.token_hex(12),
            user_id=user_id,
            created=now,
            expires=now + lifetime,
            used=now,
            address=address[:LONGEST_NAME],
            agent=agent[:LONGEST_TEXT],
        )
        session.add(login)
        session.flush()
        return self._pair(session, login)

    def start_unsaved(self, user_id: str) -> TokenPair:
        """Start a login while nothing can be written: this process alone knows of it.

        It has no refresh token, and ends with its access token or this process.
        """
        now = self._clock()
        for login, (_, expires) in [*self._unsaved.items()]:
            if expires <= now or len(self._unsaved) >= MOST_UNSAVED:
                del self._unsaved[login]
        login = secrets.token_hex(12)
        self._unsaved[login] = user_id, now + self._tokens.lifetime
        return TokenPair(self._tokens.issue(user_id, login), "")

    def refresh(self, session: Session, refresh_token: str) -> Refreshed:
        """Use up a refresh token; one that was used before ends its login, since two have it."""
        token = session.get(RefreshToken, _hash(refresh_token))
        login = session.get(Login, token.login_id) if token is not None else None
        if token is None or login is None:
            return Refreshed()
        user = session.get(User, login.user_id)
        if token.used is not None:
            self.end(session, login.id)
            return Refreshed(user)
        if (
            login.ended is not None
            or login.expires <= self._clock()
            or user is None
            or not user.enabled
        ):
            return Refreshed()
        token.used = login.used = self._clock()
        return Refreshed(user, self._pair(session, login))

    def standing(self, session: Session, login: str, expires: float = 0.0) -> Principal | None:
        """Who may do what by a login or by a token of a program; None once that has ended.

        The session may be one that reads.
        """
        if login.startswith(LOGIN):
            return principal_of_token_id(session, login[len(LOGIN) :])
        user = self.user_of(session, login)
        return None if user is None else principal_of(user, expires, login)

    def user_of(self, session: Session, login: str) -> User | None:
        """Whose login it is; None if it has ended or the account is disabled.

        The session may be one that reads.
        """
        if unsaved := self._unsaved.get(login):
            user = session.get(User, unsaved[0])
            return user if user is not None and user.enabled else None
        return session.scalar(
            select(User)
            .join(Login, Login.user_id == User.id)
            .where(
                Login.id == login,
                Login.ended.is_(None),
                Login.expires > self._clock(),
                User.enabled,
            )
        )

    def end(self, session: Session, login: str) -> None:
        """End one login."""
        self._unsaved.pop(login, None)
        session.execute(
            update(Login)
            .where(Login.id == login, Login.ended.is_(None))
            .values(ended=self._clock())
        )

    def end_all(self, session: Session, user_id: str) -> None:
        """End every login of an account."""
        for login, (owner, _) in [*self._unsaved.items()]:
            if owner == user_id:
                del self._unsaved[login]
        ended = update(Login).where(Login.user_id == user_id, Login.ended.is_(None))
        session.execute(ended.values(ended=self._clock()))

    def _pair(self, session: Session, login: Login) -> TokenPair:
        refresh_token = secrets.token_urlsafe(32)
        session.add(RefreshToken(hash=_hash(refresh_token), login_id=login.id))
        return TokenPair(self._tokens.issue(login.user_id, login.id), refresh_token)


def _hash(refresh_token: str) -> str:
    """Random tokens of 256 bits need no salt and no slow hash."""
    return hashlib.sha256(refresh_token.encode()).hexdigest()
