"""Who makes a request, and whether their role is enough."""

import hashlib
import hmac
from collections.abc import Mapping

from pydantic import SecretStr
from starlette.requests import Request

from api.accounts.accounts import Accounts
from api.accounts.principal import Principal
from api.accounts.roles import ROLES, Role
from api.accounts.tokens import TokenError
from api.web.errors import Rejected


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


_DEMAND = {"WWW-Authenticate": "Bearer"}


class Authenticator:
    """Reads the token of a request."""

    def __init__(self, accounts: Accounts, devices: Mapping[str, SecretStr] | None = None) -> None:
        """`devices` are the tokens of programs that post events, by their names."""
        self._logins = accounts.logins
        self._devices = {
            name: _digest(token.get_secret_value()) for name, token in (devices or {}).items()
        }

    async def authenticate(
        self,
        request: Request,
        least: Role = "viewer",
        token_in_query: bool = False,
        devices: bool = False,
    ) -> Principal:
        """Whose token it is; raises `Rejected` without a valid one, or if the role is less than
        `least`.

        With `devices` the token of a program will do, too.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if token_in_query and not scheme:
            scheme, token = "bearer", request.query_params.get("token", "")
        if scheme.lower() != "bearer" or not token.strip():
            raise Rejected(401, "no token; send Authorization: Bearer TOKEN", _DEMAND)
        if devices and (name := self._device(token.strip())):
            return Principal(0, f"device/{name}", "operator")
        try:
            principal = await self._logins.authenticate(token.strip())
        except TokenError as error:
            raise Rejected(401, str(error), _DEMAND) from None
        if ROLES.index(principal.role) < ROLES.index(least):
            raise Rejected(
                403,
                f"this needs an account with the role {least}; {principal.username!r} is"
                f" {principal.role}",
            )
        return principal

    def _device(self, token: str) -> str | None:
        given = _digest(token)
        known = [
            name for name, digest in self._devices.items() if hmac.compare_digest(digest, given)
        ]
        return known[0] if known else None
