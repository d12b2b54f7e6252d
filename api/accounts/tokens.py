"""Access tokens: short-lived JWT, signed with keys that never leave the data folder."""

import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jwt

ISSUER = "vigie"
ALGORITHM = "HS256"
REQUIRED = ["exp", "iat", "sub", "iss", "sid"]
LONGEST = 4096
EXPIRED = "the token has expired; log in again"
INVALID = "the token is not valid; log in again"


class TokenError(Exception):
    """A token is not accepted; the message may be shown to whoever sent it."""


class Claims(NamedTuple):
    """Contents of a valid token: the account, its login, and the end in epoch seconds."""

    user_id: str
    login: str
    expires: float


class KeyRing(Protocol):
    """The keys that sign and check tokens."""

    @property
    def newest(self) -> tuple[str, bytes]:
        """Name and bytes of the key that signs."""

    def find(self, name: str) -> bytes | None:
        """The key of a name."""


class Tokens:
    """Issue and check access tokens. `lifetime` is in seconds."""

    def __init__(
        self, keys: KeyRing, lifetime: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self.lifetime = lifetime
        self._clock = clock

    def __repr__(self) -> str:
        return f"Tokens(lifetime={self.lifetime})"

    def issue(self, user_id: str, login: str) -> str:
        """A token for one account, valid from now for `lifetime`."""
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": user_id,
            "iat": int(now),
            "exp": int(now + self.lifetime),
        }
        claims |= {"sid": login, "jti": secrets.token_hex(8)}
        name, key = self._keys.newest
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": name})

    def check(self, token: str) -> Claims:
        """The claims of a token that is ours and has not expired; raises `TokenError` otherwise.

        One of the future is ours, too: the clock was set back since.
        """
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": REQUIRED, "verify_exp": False, "verify_iat": False},
            )
            user_id, login, expires = claims["sub"], claims["sid"], int(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise TokenError(INVALID) from None
        if not isinstance(login, str) or not isinstance(user_id, str):
            raise TokenError(INVALID)
        if expires <= self._clock():
            raise TokenError(EXPIRED)
        return Claims(user_id, login, expires)

    def _key_of(self, token: str) -> bytes:
        """The key that a token names; the name is looked up, never used as a path."""
        if len(token) > LONGEST:
            raise ValueError
        name = jwt.get_unverified_header(token).get("kid")
        key = self._keys.find(name) if isinstance(name, str) else None
        if key is None:
            raise ValueError
        return key
