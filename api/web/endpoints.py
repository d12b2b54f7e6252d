"""Endpoints: their parameters, answers and permissions, from which routes and OpenAPI are made."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route

from api.accounts.principal import Principal
from api.accounts.roles import Role
from api.topics.writer import BrokerDown
from api.web.authentication import Authenticator
from api.web.change_budget import ChangeBudget, TooManyChanges
from api.web.errors import RETRY_AFTER, Rejected, Unavailable, unavailable
from api.web.turns import TooManyAtOnce, Turns
from connectors.http.content_type import JSON, why_not_json
from connectors.kafka.topics.contents import Unreachable

BODY_DEADLINE = 10.0
"""Seconds in which a whole body must have come."""
Read = TypeVar("Read")


class Call(NamedTuple):
    """One request, checked: the principal, and parameters and body as the endpoint's types."""

    request: Request
    principal: Principal | None
    path: Any
    query: Any
    body: Any

    @property
    def who(self) -> Principal:
        """The principal, where a token is needed."""
        assert self.principal is not None
        return self.principal


@dataclass(frozen=True)
class Endpoint:
    """One method of one path.

    `do` answers a call; its docstring is the description. `role` is the least that may ask, None
    where no token is needed.
    `path`, `query` and `body` are types that msgspec reads (None: there is none), `answer` the type
    of what comes back (None: not JSON of ours; then `media` says what). The body may be left out
    where it is `body_optional`. Where `devices` may ask, a token of the site file's connection
    `http` is as good as an account. `body` may be bytes, as they came, or None where `do` reads it
    itself; then `body_type` is for the document. `errors` are statuses beside those that follow
    from the rest, and `also` are those whose answer is of another type. A `token_in_query` is for
    clients that cannot set headers. Who must change the password may ask only what goes
    `before_change`. What asks services `outside` waits for a turn of its account. What
    `needs_login` is refused to tokens of programs, and what concerns the `whole_site` to those that
    are limited to some pages. Where the route's address does not say what its parts are,
    `path_from` does, and `described` is the address for the document.
    """

    method: str
    address: str
    do: Callable[[Call], Awaitable[Any]]
    tag: str
    summary: str
    answer: Any = None
    _: KW_ONLY
    role: Role | None = "viewer"
    path: type[msgspec.Struct] | None = None
    path_from: Callable[[Request], dict[str, str]] | None = None
    described: str | None = None
    query: type[msgspec.Struct] | None = None
    body: Any = None
    body_type: Any = None
    body_optional: bool = False
    devices: bool = False
    status: int = 200
    errors: tuple[int, ...] = ()
    also: Mapping[int, Any] = field(default_factory=dict)
    media: str = JSON
    body_media: str = JSON
    token_in_query: bool = False
    needs_login: bool = False
    whole_site: bool = False
    before_change: bool = False
    outside: bool = False

    @property
    def description(self) -> str:
        """The docstring of `do`."""
        return inspect.getdoc(self.do) or ""

    @property
    def changes(self) -> bool:
        """Whether it counts as a change by the account; what devices post does not."""
        return self.method != "GET" and self.role is not None and not self.devices

    def with_address(self, address: str) -> "Endpoint":
        """The same endpoint at another address."""
        return replace(self, address=address)

    def statuses(self) -> list[int]:
        """The statuses of refusals, sorted; a foreign `Host` is refused whatever is asked for."""
        found = {421, *self.errors}
        if self.role is not None:
            found |= {401, 503}
        if self.needs_login or (self.role is not None and not self.before_change):
            found.add(403)
        if self.changes or self.outside:
            found.add(429)
        if self.path or self.query or self.body is not None:
            found.add(400)
        if self.body is not None:
            found |= {408, 413, 415}
        return sorted(found)


def routes(
    endpoints: Iterable[Endpoint], authenticator: Authenticator, changes: ChangeBudget
) -> list[Route]:
    """The routes of endpoints, in their order."""
    turns = Turns()
    return [
        Route(
            endpoint.address,
            _serve(endpoint, authenticator, changes, turns),
            methods=[endpoint.method],
        )
        for endpoint in endpoints
    ]


def _serve(
    endpoint: Endpoint, authenticator: Authenticator, changes: ChangeBudget, turns: Turns
) -> Callable[[Request], Awaitable[Response]]:
    encode = msgspec.json.Encoder().encode

    async def serve(request: Request) -> Response:
        principal = None
        if endpoint.role is not None:
            principal = await authenticator.authenticate(
                request,
                endpoint.role,
                endpoint.token_in_query,
                endpoint.devices,
                endpoint.needs_login,
                endpoint.whole_site,
                endpoint.before_change,
            )
            if endpoint.changes:
                _spend(changes, principal.id)
        given = request.path_params if endpoint.path_from is None else endpoint.path_from(request)
        path = _parameters(endpoint.path, given)
        query = _parameters(endpoint.query, dict(request.query_params))
        try:
            body = await _body(request, endpoint)
            call = Call(request, principal, path, query, body)
            if endpoint.outside:
                async with turns.turn(call.who.id):
                    answer = await endpoint.do(call)
            else:
                answer = await endpoint.do(call)
        except (BrokerDown, Unavailable, Unreachable) as error:
            raise unavailable(error) from None
        except TooManyAtOnce as error:
            raise Rejected(429, str(error), {"Retry-After": RETRY_AFTER}) from None
        except ClientDisconnect:
            return Response(status_code=400)
        if isinstance(answer, Response):
            return answer
        return Response(encode(answer), endpoint.status, media_type=JSON)

    return serve


def _spend(changes: ChangeBudget, account: str) -> None:
    try:
        changes.spend(account)
    except TooManyChanges as error:
        raise Rejected(429, str(error), {"Retry-After": str(error.wait)}) from None


async def _body(request: Request, endpoint: Endpoint) -> Any:
    if endpoint.body is None or (endpoint.body_optional and "content-type" not in request.headers):
        return None
    data = await body_of(request)
    return data if endpoint.body is bytes else read(data, endpoint.body)


async def body_of(request: Request) -> bytes:
    """The body of a JSON request. Raises `Rejected`."""
    if wrong := why_not_json(request.headers):
        raise Rejected(415, wrong)
    return await whole_body(request)


async def whole_body(request: Request) -> bytes:
    """The body as it came. Raises `Rejected` if it does not come in time."""
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            return await request.body()
    except TimeoutError:
        raise Rejected(
            408, f"the body did not come within {BODY_DEADLINE:g} s", {"Connection": "close"}
        ) from None


def read(data: bytes, type: type[Read]) -> Read:
    """A body as a type. Raises `Rejected` with the position of what is wrong."""
    try:
        return msgspec.json.decode(data, type=type)
    except msgspec.ValidationError as error:
        raise Rejected(400, f"the body is not as it should be: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Rejected(400, "the body is not JSON") from None
    except RecursionError:
        raise Rejected(400, "the body is nested too deeply") from None


def address_of(request: HTTPConnection) -> str:
    """The client's address; behind a trusted proxy, the one that the proxy names."""
    return request.client.host if request.client else "unknown"


def _parameters(type: type[msgspec.Struct] | None, given: dict[str, Any]) -> Any:
    if type is None:
        return None
    try:
        return msgspec.convert(
            {name: value for name, value in given.items() if value != ""}, type, strict=False
        )
    except msgspec.ValidationError as error:
        raise Rejected(400, _explain(str(error), given)) from None


def _explain(what: str, given: dict[str, Any]) -> str:
    missing = re.fullmatch(r"Object missing required field `(.+)`", what)
    if missing:
        return f"{missing[1]} is needed"
    placed = re.fullmatch(r"(.+) - at `\$\.(.+)`", what)
    if placed is None:
        return f"a parameter is not as it should be: {what}"
    what, name = placed[1], placed[2]
    return f"{name} is {str(given.get(name))[:40]!r}: {what[0].lower()}{what[1:]}"
