"""What may be done on a page, and what a definition says of that, as the column `declared` keeps
it.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple


class PagePermission(NamedTuple):
    """What somebody may do on a page. Only its owner may share it."""

    view: bool = False
    edit: bool = False
    owner: bool = False


NO_PERMISSION = PagePermission()
OWNER_PERMISSION = PagePermission(True, True, True)


class DeclaredPermissions(NamedTuple):
    """What a definition says of its page: `user/NAME` and `group/NAME`. Who may edit may view."""

    owner: str
    view: list[str]
    edit: list[str]
    flow: str = ""

    @classmethod
    def from_json(cls, text: str) -> "DeclaredPermissions":
        values = json.loads(text)
        return cls(values["owner"], values["view"], values["edit"], values.get("flow", ""))

    def to_json(self) -> str:
        return json.dumps(self._asdict())

    def names(self) -> set[str]:
        """Everybody it speaks of."""
        return {self.owner, *self.view, *self.edit}

    def right(self, who: Iterable[str]) -> PagePermission | None:
        """What it gives to any of these names; None if it does not speak of them."""
        names = set(who)
        edit = bool(names & set(self.edit))
        return PagePermission(True, edit) if edit or names & set(self.view) else None
