"""Endpoints to log in by a provider of OpenID Connect: there, and back."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from api.accounts.accounts import Accounts
from api.accounts.errors import LoginRefused
from api.accounts.openid.claims import Person
from api.accounts.openid.logins import OpenIdLogins, Origin
from api.accounts.openid.provider import OpenIdProvider, ProviderDown
from api.accounts.principal import Principal
from api.accounts.sessions import TokenPair
from api.metrics import Metrics
from api.openid_connection import OpenIdConnection
from api.push.live_permissions import LivePermissions
from api.routes.account_errors import account_errors
from api.routes.entry.login import DEVICE, TAG, LoggedIn, logged_in, refusals_counted, with_device
from api.routes.parameters import Done
from api.secret_repr import redacted
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected
from connectors.http.content_type import JSON

PATH = "/api/auth/openid"
COOKIE = "vigie_openid"
"""Cookie with what only the browser knows that was sent to the provider."""
COMES_BACK = 600
"""Seconds within which somebody comes back from the provider."""


class There(msgspec.Struct):
    """Where to send the browser."""

    address: str


class Back(msgspec.Struct):
    """What the provider put into the address to which it sent the browser back."""

    code: Annotated[str, Meta(min_length=1, max_length=4000)]
    state: Annotated[str, Meta(min_length=1, max_length=200)]

    __repr__ = redacted


class OpenIdEndpoints:
    """Answer for logins by a provider."""

    def __init__(
        self,
        accounts: Accounts,
        logins: OpenIdLogins,
        permissions: LivePermissions,
        metrics: Metrics,
    ) -> None:
        self._lifetime = accounts.logins.tokens.lifetime
        self._logins = logins
        self._permissions = permissions
        self._metrics = metrics

    def endpoints(self) -> list[Endpoint]:
        """There, back, and back for somebody who is logged in already."""
        return [
            Endpoint(
                "POST",
                PATH,
                self.begin,
                TAG,
                "Begin a login by the provider",
                There,
                role=None,
                errors=(429, 503),
            ),
            Endpoint(
                "POST",
                f"{PATH}/login",
                self.login,
                TAG,
                "Log in by the provider",
                LoggedIn,
                role=None,
                body=Back,
                errors=(401, 429, 503),
            ),
            Endpoint(
                "POST",
                f"{PATH}/connect",
                self.connect,
                TAG,
                "Connect one's account with the provider",
                Done,
                body=Back,
                errors=(503,),
                needs_login=True,
            ),
        ]

    async def begin(self, call: Call) -> Response:
        """The browser goes to the address, and comes back to the page with `code` and `state`.

        A cookie ties that to the browser that began it.
        """
        with _provider_errors(), refusals_counted(self._metrics):
            begun = await self._logins.begin(address_of(call.request))
        response = Response(msgspec.json.encode(There(begun.address)), media_type=JSON)
        response.set_cookie(
            COOKIE,
            f"{begun.state}.{begun.nonce}.{begun.verifier}",
            max_age=COMES_BACK,
            path=PATH,
            secure=call.request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def login(self, call: Call) -> Response:
        """The provider decides who somebody is, in which role and groups.

        The first time makes an account. A second factor is the provider's matter.
        """
        with _provider_errors(), refusals_counted(self._metrics):
            person = await self._person(call)

            def work(session: Session) -> tuple[tuple[TokenPair, Principal], set[str]]:
                pair, who = self._logins.enter(session, person, _origin(call.request))
                return (pair, who), {who.id}

            pair, who = await self._permissions.change_permissions(work)
        self._metrics.logins.labels("accepted").inc()
        response = with_device(call.request, logged_in(pair, who, self._lifetime), pair)
        response.delete_cookie(COOKIE, PATH)
        return response

    async def connect(self, call: Call) -> Done:
        """From now on this account is the one that a login by the provider gets."""
        with _provider_errors(refused=403), refusals_counted(self._metrics):
            person = await self._person(call)
            address = address_of(call.request)
            await self._permissions.write(
                lambda session: self._logins.connect(session, call.who, person, address)
            )
        return Done()

    async def _person(self, call: Call) -> Person:
        """Who came back. Raises `LoginRefused` where it is another browser that was sent there."""
        body: Back = call.body
        state, nonce, verifier = _begun_by(call.request)
        if not (state and secrets.compare_digest(state.encode(), body.state.encode())):
            raise LoginRefused(
                "this login was not begun in this browser, or more than 10 min ago; begin again"
            )
        return await self._logins.person(body.code, nonce, verifier, address_of(call.request))


@contextmanager
def _provider_errors(refused: int = 401) -> Iterator[None]:
    """Raise `Rejected` for what the provider or the accounts refuse; 503 where it is down."""
    try:
        with account_errors(login_refused=refused):
            yield
    except ProviderDown as down:
        raise Rejected(503, str(down)) from None


def openid_endpoints(
    connection: OpenIdConnection,
    redirect: str,
    accounts: Accounts,
    permissions: LivePermissions,
    metrics: Metrics,
) -> list[Endpoint]:
    """The endpoints of a provider that sends people back to `redirect`."""
    logins = OpenIdLogins(accounts, OpenIdProvider(connection, redirect))
    return OpenIdEndpoints(accounts, logins, permissions, metrics).endpoints()


def _begun_by(request: Request) -> tuple[str, str, str]:
    state, _, rest = request.cookies.get(COOKIE, "").partition(".")
    nonce, _, verifier = rest.partition(".")
    return state, nonce, verifier


def _origin(request: Request) -> Origin:
    agent = request.headers.get("user-agent", "")
    return Origin(address_of(request), request.cookies.get(DEVICE, ""), agent)
