"""Logging in and out, and telling whose a token is."""

import asyncio
import contextlib
import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.api_tokens import (
    LOGIN,
    PREFIX,
    note_use,
    principal_of_token,
    use_is_noted,
)
from api.accounts.devices import known_device, remember_device
from api.accounts.errors import CodeNeeded, LoginRefused
from api.accounts.login_limits import LoginLimits
from api.accounts.password_hashing import PasswordHashing
from api.accounts.principal import Principal, principal_of
from api.accounts.second_factor import SecondFactor
from api.accounts.sessions import LIFETIME, LoginSessions, TokenPair
from api.accounts.tickets import Tickets
from api.accounts.tokens import TokenError, Tokens
from api.database.audit_log import record_audit
from api.database.database import Database, DatabaseDown, permissions_changed
from api.database.models import LONGEST_NAME, User

_log = logging.getLogger("vigie.api")
LOGGED_OUT = "logged out, or the account is disabled; log in again"


class Logins:
    """Log accounts in and out, and authenticate by access token."""

    def __init__(
        self,
        database: Database,
        tokens: Tokens,
        sessions: LoginSessions,
        hashing: PasswordHashing,
        limits: LoginLimits,
    ) -> None:
        self.tokens = tokens
        self.tickets = Tickets()
        self.second_factor = SecondFactor()
        self._database = database
        self._sessions = sessions
        self._hashing = hashing
        self._limits = limits

    async def login(
        self,
        username: str,
        password: str,
        address: str,
        code: str = "",
        device: str = "",
        agent: str = "",
    ) -> tuple[TokenPair, Principal]:
        """Tokens, and whose they are. Raises `LoginRefused` or `TooManyAttempts`.

        `code` is of the second factor, `device` the secret of a device that logged in before,
        `agent` what that calls itself.
        """
        name = username[:LONGEST_NAME]
        known = await asyncio.to_thread(self._known, name, device) if device else None
        attempt = self._limits.begin_login(address, name, known)
        principal = await self._hashing.run(
            lambda: self._verify(username, password), known is not None
        )
        if principal is None:
            with contextlib.suppress(DatabaseDown):
                await asyncio.to_thread(self._record_refusal, "login_refused", name, address)
            raise LoginRefused("wrong user name or password")
        self._limits.succeed(attempt)
        await self._check_code(principal, code, known, address)
        self._limits.forget(attempt)
        return await asyncio.to_thread(self._start, principal, address, device, agent)

    async def _check_code(
        self, principal: Principal, code: str, device: str | None, address: str
    ) -> None:
        """Check the second factor, if the account has one. Raises as `login` does."""
        if not await asyncio.to_thread(self._has_second_factor, principal):
            return
        if not code:
            raise CodeNeeded(
                "this account has a second factor: send the code of the app, or a recovery code, as"
                " `code`"
            )
        attempt = self._limits.begin_code(principal.username, device)
        if not await asyncio.to_thread(self._use_code, principal, code):
            with contextlib.suppress(DatabaseDown):
                await asyncio.to_thread(
                    self._record_refusal, "code_refused", principal.username, address
                )
            raise CodeNeeded("the code is wrong, has expired or was used; wait for the next one")
        self._limits.succeed(attempt)

    async def check_own_password(
        self,
        principal: Principal,
        password: str,
        address: str,
        wrong: str = "the old password is wrong",
    ) -> None:
        """Check the password of somebody who is logged in; `wrong` is said if it is not that.

        Raises `LoginRefused` or `TooManyAttempts`.
        """
        attempt = self._limits.begin_password_check(address, principal.username)
        right = await self._hashing.run(lambda: self._verify(principal.username, password), True)
        if right is None:
            raise LoginRefused(wrong)
        self._limits.succeed(attempt)

    async def claimed_principal(self, token: str) -> Principal:
        """Whose a signed token is, without its name and without asking the database.

        The login may have ended meanwhile. Raises `TokenError`.
        """
        if token.startswith(PREFIX):
            return await self.authenticate(token)
        claims = self.tokens.check(token)
        return Principal(claims.user_id, "", "viewer", claims.expires, claims.login)

    async def redeem(self, ticket: str) -> Principal:
        """Whose a ticket is, which is used up by that. Raises `TokenError`."""
        who = self.tickets.redeem(ticket)
        return await asyncio.to_thread(self._find, who.id, who.login, who.expires)

    async def authenticate(self, token: str) -> Principal:
        """Whose a token is.

        Raises:
            TokenError: the token is not valid or was revoked, or the account is disabled.
        """
        if token.startswith(PREFIX):
            return await asyncio.to_thread(self._program, token)
        claims = self.tokens.check(token)
        return await asyncio.to_thread(self._find, claims.user_id, claims.login, claims.expires)

    async def refresh(self, refresh_token: str, address: str) -> tuple[TokenPair, Principal]:
        """New tokens for a refresh token, which is used up by that.

        One that was used before ends the login: somebody else has it. Raises `TokenError`.
        """
        return await asyncio.to_thread(self._refresh, refresh_token, address)

    def start(
        self,
        session: Session,
        principal: Principal,
        address: str,
        device: str,
        agent: str,
        lifetime: float = LIFETIME,
    ) -> TokenPair:
        """Begin a login of at most `lifetime` seconds, for whoever has shown that he may.

        It takes a writing session.
        """
        pair = self._sessions.start(session, principal.id, address, agent, lifetime)
        record_audit(session, principal, "login", address=address)
        return pair._replace(device=remember_device(session, principal.id, device, agent))

    def renew(self, principal: Principal) -> str:
        """Another access token of the same login, for clients without a refresh token."""
        return self.tokens.issue(principal.id, principal.login)

    async def logout(self, principal: Principal, address: str) -> None:
        """End a login: none of its tokens is accepted any longer."""
        await asyncio.to_thread(self._logout, principal, address)

    def _verify(self, username: str, password: str) -> Principal | None:
        with self._database.read() as session:
            user = session.scalar(select(User).where(User.username == username))
        if user is not None and not user.enabled:
            user = None
        right = self._hashing.verify(None if user is None else user.password_hash, password)
        return principal_of(user) if user is not None and right else None

    def _known(self, username: str, device: str) -> str | None:
        """The id of a device, if it has logged in to the account before."""
        with self._database.read() as session:
            found = known_device(session, username, device)
            return None if found is None else found.id

    def _has_second_factor(self, principal: Principal) -> bool:
        with self._database.read() as session:
            return session.get_one(User, principal.id).totp_secret is not None

    def _use_code(self, principal: Principal, code: str) -> bool:
        with self._database.write() as session:
            return self.second_factor.check(session, principal.id, code)

    def _record_refusal(self, action: str, name: str, address: str) -> None:
        with self._database.write() as session:
            record_audit(session, name, action, address=address)

    def _start(
        self, principal: Principal, address: str, device: str, agent: str
    ) -> tuple[TokenPair, Principal]:
        """Begin a login; while nothing can be written, one without a refresh token and audit."""
        try:
            with self._database.write() as session:
                pair = self.start(session, principal, address, device, agent)
        except DatabaseDown as down:
            _log.warning("%s logs in from %s unrecorded: %s", principal.username, address, down)
            pair = self._sessions.start_unsaved(principal.id)
        return pair, principal

    def _find(self, user_id: str, login: str, expires: float) -> Principal:
        with self._database.read() as session:
            found = self._sessions.standing(session, login, expires)
        if found is None or found.id != user_id:
            raise TokenError(LOGGED_OUT)
        return found

    def _program(self, secret: str) -> Principal:
        """Who may do what by a token of a program, and note its use."""
        with self._database.read() as session:
            found = principal_of_token(session, secret)
            if found is None:
                raise TokenError("the token was revoked, has expired, or is none")
            token = found.login[len(LOGIN) :]
            noted = use_is_noted(session, token)
        if not noted:
            with contextlib.suppress(DatabaseDown), self._database.write() as session:
                note_use(session, token)
        return found

    def _refresh(self, refresh_token: str, address: str) -> tuple[TokenPair, Principal]:
        with self._database.write() as session:
            outcome = self._sessions.refresh(session, refresh_token)
            if outcome.pair is None and outcome.user is not None:
                reused_by = principal_of(outcome.user)
                record_audit(session, reused_by, "refresh_token_reused", address=address)
                permissions_changed(session)
        if outcome.pair is None or outcome.user is None:
            raise TokenError(
                "the refresh token is not valid, was used before, or has expired; log in again"
            )
        return outcome.pair, principal_of(outcome.user)

    def _logout(self, principal: Principal, address: str) -> None:
        with self._database.write() as session:
            self._sessions.end(session, principal.login)
            record_audit(session, principal, "logout", address=address)
            permissions_changed(session)
