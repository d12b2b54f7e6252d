"""Endpoints to log in and out, in JSON and as a form, and of one's own account."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from api.accounts.accounts import Accounts
from api.accounts.devices import LIFETIME
from api.accounts.errors import CodeNeeded, LoginRefused, TooManyAttempts
from api.accounts.principal import Principal
from api.accounts.roles import Role
from api.accounts.sessions import TokenPair
from api.accounts.tokens import TokenError
from api.database.models import iso
from api.metrics import Metrics
from api.push.live_permissions import LivePermissions
from api.routes.account_errors import account_errors
from api.routes.parameters import Done
from api.secret_repr import redacted
from api.web.authentication import Authenticator
from api.web.endpoints import Call, Endpoint, address_of, body_of, read, whole_body
from api.web.errors import Rejected
from connectors.http.content_type import JSON

TAG = "Accounts"
FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 16 << 10
DEVICE = "vigie_device"
"""Cookie by which a device that has logged in is known."""
Text = Annotated[str, Meta(max_length=2000)]


class Credentials(msgspec.Struct):
    """A user name and password. With `refresh` the answer has a `refresh_token` as well.

    `code` is of the second factor, for accounts that have one.
    """

    username: Text
    password: Text
    refresh: bool = False
    code: Text = ""

    __repr__ = redacted


class LoginForm(msgspec.Struct):
    """A user name and password, as a form; the `code` is of the second factor."""

    username: Text
    password: Text
    code: Text = ""

    __repr__ = redacted


class NewAccount(msgspec.Struct):
    """A user name and password for an account to be made."""

    username: Text
    password: Text

    __repr__ = redacted


class Me(msgspec.Struct):
    """An account. With `must_change`, all but the change of the password is answered 403."""

    id: str
    username: str
    role: Role
    must_change: bool | UnsetType = UNSET


class Doors(msgspec.Struct):
    """How to get in. Where `registration` is true, people may make themselves an account.

    `openid` is what the provider is called by which they may log in, too; null without one.
    """

    registration: bool
    openid: str | None = None


class Token(msgspec.Struct):
    """What later requests send as `Authorization: Bearer ACCESS_TOKEN`."""

    access_token: str
    token_type: Literal["bearer"]

    __repr__ = redacted


class LoggedIn(msgspec.Struct):
    """Tokens and the account.

    `expires_in` is in seconds; a `refresh_token` is exchanged once for the next tokens.
    """

    access_token: str
    token_type: Literal["bearer"]
    user: Me
    refresh_token: str | UnsetType = UNSET
    expires_in: int | UnsetType = UNSET

    __repr__ = redacted


class OldToken(msgspec.Struct):
    """A refresh token to be exchanged."""

    refresh_token: Text | UnsetType = UNSET

    __repr__ = redacted


class NewMe(Me, kw_only=True):
    """An account that was just made; `created_at` in ISO 8601."""

    created_at: str


class NewPassword(msgspec.Struct):
    """The old and the new password."""

    old: Text
    new: Text

    __repr__ = redacted


class LoginEndpoints:
    """Answer for logins."""

    def __init__(
        self,
        accounts: Accounts,
        permissions: LivePermissions,
        authenticator: Authenticator,
        metrics: Metrics,
        registration: bool,
        openid: str | None = None,
    ) -> None:
        self._accounts = accounts
        self._logins = accounts.logins
        self._lifetime = accounts.logins.tokens.lifetime
        self._permissions = permissions
        self._authenticator = authenticator
        self._metrics = metrics
        self._open = registration
        self._openid = openid

    def endpoints(self) -> list[Endpoint]:
        """Logins and one's own account; some have an address of the former servers, too."""
        register = Endpoint(
            "POST",
            "/api/auth/register",
            self.register,
            TAG,
            "Make oneself an account",
            NewMe,
            role=None,
            body=NewAccount,
            errors=(403, 409, 429),
        )
        me = Endpoint("GET", "/api/auth/me", self.me, TAG, "Who am I", Me, before_change=True)
        return [
            Endpoint("GET", "/api/auth", self.doors, TAG, "How to get in", Doors, role=None),
            Endpoint(
                "POST",
                "/api/auth/login",
                self.login,
                TAG,
                "Log in",
                LoggedIn,
                role=None,
                body=Credentials,
                errors=(401, 429),
            ),
            Endpoint(
                "POST",
                "/login",
                self.login_form,
                TAG,
                "Log in by a form",
                Token,
                role=None,
                body_type=LoginForm,
                body_media=FORM,
                errors=(400, 401, 408, 413, 415, 429),
            ),
            Endpoint(
                "POST",
                "/api/auth/refresh",
                self.refresh,
                TAG,
                "Get the next tokens",
                LoggedIn,
                role=None,
                body_type=OldToken,
                body_optional=True,
                errors=(400, 401, 408, 413, 415),
            ),
            Endpoint(
                "POST",
                "/api/auth/logout",
                self.logout,
                TAG,
                "Log out",
                Done,
                needs_login=True,
                before_change=True,
            ),
            Endpoint(
                "POST",
                "/api/auth/password",
                self.password,
                TAG,
                "Change one's password",
                Done,
                body=NewPassword,
                errors=(403, 429),
                needs_login=True,
                before_change=True,
            ),
            register,
            register.with_address("/register"),
            me,
            me.with_address("/me"),
        ]

    async def doors(self, call: Call) -> Doors:
        """For anybody who is not logged in yet."""
        return Doors(self._open, self._openid)

    async def login(self, call: Call) -> Response:
        """The access token is for `Authorization: Bearer TOKEN`.

        Five wrong passwords a minute lock the account for the address that sent them; after very
        many from everywhere, each address waits before it may try. A device that has logged in
        before is known by the cookie that it got then, and waits for nobody else.

        An account with a second factor is answered 401 with `"needs": "code"` where its code is
        missing or wrong.
        """
        body: Credentials = call.body
        pair, principal = await self._login(call.request, body.username, body.password, body.code)
        return with_device(
            call.request, logged_in(pair, principal, self._lifetime if body.refresh else None), pair
        )

    async def login_form(self, call: Call) -> Response:
        """Takes the form `username=…&password=…`, with `&code=…` for a second factor."""
        form = dict(parse_qsl((await _form_of(call.request)).decode("utf-8", "replace")))
        if "username" not in form or "password" not in form:
            raise Rejected(400, "the body must be the form username=...&password=...")
        pair, _ = await self._login(
            call.request, form["username"], form["password"], form.get("code", "")
        )
        return with_device(call.request, Token(pair.access, "bearer"), pair)

    async def refresh(self, call: Call) -> LoggedIn:
        """Exchanges a refresh token for the next tokens.

        Without one, an access token that is still valid is renewed. A refresh token that comes a
        second time ends its login, since somebody else has it.
        """
        request = call.request
        is_empty = not int(request.headers.get("content-length", "0") or 0)
        renews = is_empty and "authorization" in request.headers
        token = UNSET if renews else read(await body_of(request), OldToken).refresh_token
        if token is UNSET:
            principal = await self._authenticator.authenticate(request, needs_login=True)
            return LoggedIn(self._logins.renew(principal), "bearer", _me(principal))
        try:
            pair, principal = await self._logins.refresh(token, address_of(request))
        except TokenError as error:
            await self._permissions.refresh()
            raise Rejected(401, str(error)) from None
        return logged_in(pair, principal, self._lifetime)

    async def logout(self, call: Call) -> Done:
        """Ends this login: its tokens are no longer accepted, its connections are closed."""
        await self._logins.logout(call.who, address_of(call.request))
        await self._permissions.refresh({call.who.id})
        return Done()

    async def password(self, call: Call) -> Done:
        """Ends all logins of the account, this one included."""
        body: NewPassword = call.body
        with account_errors(login_refused=403):
            await self._accounts.change_own_password(
                call.who, body.old, body.new, address_of(call.request)
            )
        await self._permissions.refresh({call.who.id})
        return Done()

    async def register(self, call: Call) -> NewMe:
        """Makes an account with the role viewer.

        Closed unless the site file has `api: {registration: open}`.
        """
        if not self._open:
            raise Rejected(403, "nobody can register here; ask an admin for an account")
        body: NewAccount = call.body
        with account_errors():
            principal, created = await self._accounts.register(
                body.username, body.password, address_of(call.request)
            )
        return NewMe(principal.id, principal.username, principal.role, created_at=iso(created))

    async def me(self, call: Call) -> Me:
        """The account of the token."""
        return _me(call.who)

    async def _login(
        self, request: Request, username: str, password: str, code: str
    ) -> tuple[TokenPair, Principal]:
        with account_errors(), refusals_counted(self._metrics):
            outcome = await self._logins.login(
                username,
                password,
                address_of(request),
                code,
                request.cookies.get(DEVICE, ""),
                request.headers.get("user-agent", ""),
            )
        self._metrics.logins.labels("accepted").inc()
        return outcome


@contextmanager
def refusals_counted(metrics: Metrics) -> Iterator[None]:
    """Count a login that is refused, by why."""
    try:
        yield
    except CodeNeeded:
        metrics.logins.labels("code").inc()
        raise
    except LoginRefused:
        metrics.logins.labels("refused").inc()
        raise
    except TooManyAttempts:
        metrics.logins.labels("limited").inc()
        raise


def logged_in(pair: TokenPair, principal: Principal, lifetime: float | None) -> LoggedIn:
    """The answer to a login; with the `lifetime` of its access token, the refresh token as well."""
    answer = LoggedIn(pair.access, "bearer", _me(principal))
    if lifetime is not None:
        answer.refresh_token, answer.expires_in = pair.refresh, int(lifetime)
    return answer


def with_device(request: Request, answer: msgspec.Struct, pair: TokenPair) -> Response:
    """An answer with the cookie by which this device is known later; it opens nothing."""
    response = Response(msgspec.json.encode(answer), media_type=JSON)
    if pair.device:
        response.set_cookie(
            DEVICE,
            pair.device,
            max_age=int(LIFETIME),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
    return response


async def _form_of(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Rejected(415, f"expected Content-Type: {FORM}, got {kind[:80] or 'none'}")
    body = await whole_body(request)
    if len(body) > LARGEST_FORM:
        raise Rejected(413, f"the form has {len(body)} bytes; at most {LARGEST_FORM} are taken")
    return body


def _me(principal: Principal) -> Me:
    return Me(principal.id, principal.username, principal.role, principal.must_change or UNSET)
