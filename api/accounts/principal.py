"""The principal: who a request or connection is made for, as the login has established."""

from dataclasses import dataclass
from typing import cast

from api.accounts.roles import Role
from api.database.models import User


@dataclass(frozen=True)
class Principal:
    """An account that is logged in.

    `expires` is when its token ends, in epoch seconds; `login` names the login that the token came
    of. Where a program asks by a token of its own, `token` is the name of that, and `pages` are
    those that it is limited to, None for all. Who `must_change` the password may do nothing before.
    """

    id: str
    username: str
    role: Role
    expires: float = 0.0
    login: str = ""
    pages: frozenset[str] | None = None
    token: str = ""
    must_change: bool = False


def principal_of(user: User, expires: float = 0.0, login: str = "") -> Principal:
    """The principal of an account."""
    role = cast("Role", user.role)
    return Principal(user.id, user.username, role, expires, login, must_change=user.must_change)
