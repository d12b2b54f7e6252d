"""Access tokens: JWT signed with a random key that never leaves the data folder."""

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jwt

ISSUER = "vigie"
ALGORITHM = "HS256"
KEY_BYTES = 32


class TokenError(Exception):
    """A token is not accepted; the message is a reason that may be shown to whoever sent it."""


class Claims(NamedTuple):
    """What a valid token says: whose it is and when it ends (epoch seconds)."""

    user_id: int
    expires: float


def load_key(path: Path) -> bytes:
    """The signing key in `path`; made at the first start, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) < KEY_BYTES:
            raise ValueError(
                f"{path} holds {len(key)} bytes, a key has {KEY_BYTES}; remove it to have a new one"
            ) from None
        return key
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
    return key


class Tokens:
    """Issues and checks tokens. `lifetime` is in seconds."""

    def __init__(self, key: bytes, lifetime: float, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._lifetime = lifetime
        self._clock = clock

    def __repr__(self) -> str:
        return f"Tokens(lifetime={self._lifetime})"

    def issue(self, user_id: int) -> str:
        """A token for one account, valid from now for `lifetime`."""
        now = self._clock()
        claims: dict[str, Any] = {"iss": ISSUER, "sub": str(user_id), "iat": int(now), "exp": int(now + self._lifetime)}
        claims["jti"] = secrets.token_hex(8)
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def check(self, token: str) -> Claims:
        """The claims of a token of ours that has not ended; raises `TokenError` otherwise."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub", "iss"], "verify_exp": False},
            )
            user_id, expires = int(claims["sub"]), int(claims["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise TokenError("the token is not valid; log in again") from None
        if expires <= self._clock():
            raise TokenError("the token has expired; log in again")
        return Claims(user_id, expires)
