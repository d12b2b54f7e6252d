"""Authentication of requests by bearer token, and the role it needs."""

from collections.abc import Mapping

from pydantic import SecretStr
from starlette.requests import Request

from api.accounts.accounts import Accounts
from api.accounts.principal import Principal
from api.accounts.roles import ROLES, Role
from api.accounts.tokens import TokenError
from api.web.errors import Rejected
from connectors.http.bearer_tokens import BearerTokens, bearer_token

CHANGE_FIRST = (
    "change the password first: on the page, by POST /api/auth/password with old and new, or by"
    " vigie accounts password NAME; this one was printed or given by somebody else"
)
_DEMAND = {"WWW-Authenticate": "Bearer"}


class Authenticator:
    """Authenticate the token of a request."""

    def __init__(self, accounts: Accounts, devices: Mapping[str, SecretStr] | None = None) -> None:
        """`devices` are the tokens of programs that post events, by their names."""
        self._logins = accounts.logins
        self._devices = BearerTokens(devices or {})

    async def authenticate(
        self,
        request: Request,
        least: Role = "viewer",
        token_in_query: bool = False,
        devices: bool = False,
        needs_login: bool = False,
        whole_site: bool = False,
        before_change: bool = False,
    ) -> Principal:
        """Whose token it is. With `devices`, one of the site file is accepted as well.

        What `needs_login` is not for tokens of programs, what concerns the `whole_site` not for
        those that are limited to some pages. Who must change the password first may do only what
        goes `before_change`. Raises `Rejected` without a valid token, or if the
        role is less than `least`.
        """
        header = request.headers.get("authorization", "")
        token = bearer_token(header) or ""
        if token_in_query and not header:
            token = request.query_params.get("token", "").strip()
        ticket = request.query_params.get("ticket", "") if token_in_query and not token else ""
        if not token and not ticket:
            raise Rejected(401, "no token; send Authorization: Bearer TOKEN", _DEMAND)
        if devices and (senders := self._devices.senders(token)):
            return Principal("", f"device/{senders[0]}", "operator")
        try:
            principal = await (
                self._logins.redeem(ticket) if ticket else self._logins.authenticate(token)
            )
        except TokenError as error:
            raise Rejected(401, str(error), _DEMAND) from None
        if principal.must_change and not before_change:
            raise Rejected(403, CHANGE_FIRST, needs="password")
        if needs_login and principal.token:
            raise Rejected(403, "this needs a login; the token of a program does not do it")
        if whole_site and principal.pages is not None:
            raise Rejected(403, "this concerns more than the pages that the token is limited to")
        if ROLES.index(principal.role) < ROLES.index(least):
            raise Rejected(
                403,
                f"this needs an account with the role {least}; {principal.username!r} is"
                f" {principal.role}",
            )
        return principal
