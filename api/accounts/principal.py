"""Who is there."""

from dataclasses import dataclass
from typing import Any

from api.database.models import Role


@dataclass(frozen=True)
class Person:
    """A logged-in account. `expires` is when its token ends, in epoch seconds; `login` the login
    that the token came of.
    """

    id: int
    username: str
    role: Role
    expires: float = 0.0
    login: str = ""

    def public(self) -> dict[str, Any]:
        """The account as clients see it: id, username, role."""
        return {"id": self.id, "username": self.username, "role": self.role}
