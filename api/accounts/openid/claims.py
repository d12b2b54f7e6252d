"""What the claims of a provider give: a name, a role, and groups."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from api.accounts.errors import LoginRefused
from api.accounts.roles import Role
from api.openid_connection import EVERYBODY, OpenIdConnection


class Person(NamedTuple):
    """Somebody who has logged in at the provider.

    `subject` is who it is there for good; names may change. `groups` says for each group that the
    provider decides on whether the person is in it.
    """

    issuer: str
    subject: str
    username: str
    role: Role
    groups: dict[str, bool]


def person_of(connection: OpenIdConnection, claims: Mapping[str, Any]) -> Person:
    """Raises `LoginRefused` for whoever has no name or no role by the claims."""
    username = claim(claims, connection.username)
    if not isinstance(username, str) or not username:
        raise LoginRefused(
            f"{connection.name} does not say your user name: it sent no claim"
            f" {connection.username!r};"
            " another can be named in the site file: connections.openid.username"
        )
    values = values_of(claim(claims, connection.claim))
    role = role_of(connection, values)
    if role is None:
        raise LoginRefused(
            f"your account at {connection.name} has no role here: none of the values of"
            f" {connection.claim!r} gives one; ask an admin"
        )
    groups = {name: _fits(wanted, values) for name, wanted in connection.groups.items()}
    return Person(connection.issuer, str(claims["sub"]), username, role, groups)


def role_of(connection: OpenIdConnection, values: set[str]) -> Role | None:
    """The highest role that the values of the claim give."""
    highest_first: tuple[Role, ...] = tuple(reversed(get_args(Role)))
    return next(
        (one for one in highest_first if _fits(getattr(connection.roles, one), values)), None
    )


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by the names on the way to it; None where there is none."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def values_of(found: Any) -> set[str]:
    """The values of a claim, which is a list of texts or one text."""
    if isinstance(found, str):
        return {found}
    return (
        {value for value in found if isinstance(value, str)} if isinstance(found, list) else set()
    )


def _fits(wanted: list[str], values: set[str]) -> bool:
    return EVERYBODY in wanted or not values.isdisjoint(wanted)
