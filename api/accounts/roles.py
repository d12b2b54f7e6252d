"""The roles of accounts, from the least to the greatest."""

from typing import Literal

from api.accounts.errors import AccountError

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")


def check_role(role: object) -> Role:
    """Return the role.

    Raises:
        AccountError: there is no such role.
    """
    if role not in ROLES:
        raise AccountError(f"{role!r} is not a role; there are {', '.join(ROLES)}")
    return role
