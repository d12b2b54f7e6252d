"""Bearer tokens of programs, by the name of their sender (RFC 6750)."""

import hashlib
import hmac
from collections.abc import Mapping

from pydantic import SecretStr


def bearer_token(authorization: str) -> str | None:
    """The token in an `Authorization` header; None if it holds none, or another scheme."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None


class BearerTokens:
    """Known tokens, kept as SHA-256 digests and compared in constant time."""

    def __init__(self, tokens: Mapping[str, SecretStr]) -> None:
        self._digests = {name: _digest(token.get_secret_value()) for name, token in tokens.items()}

    def __bool__(self) -> bool:
        return bool(self._digests)

    def senders(self, token: str) -> list[str]:
        """The names of those who have this token; empty for an unknown one."""
        given = _digest(token)
        return [
            name for name, digest in self._digests.items() if hmac.compare_digest(digest, given)
        ]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
