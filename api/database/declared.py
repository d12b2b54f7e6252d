"""Permissions on a page; and those of a definition, as the column `declared` keeps them."""

import json
from collections.abc import Iterable
from typing import NamedTuple


class PagePermission(NamedTuple):
    """What an account may do on a page. Only its owner may share it."""

    view: bool = False
    edit: bool = False
    owner: bool = False


NO_PERMISSION = PagePermission()
OWNER_PERMISSION = PagePermission(True, True, True)


class DeclaredPermissions(NamedTuple):
    """The owner, viewers and editors of a declared page: `user/NAME` and `group/NAME`.

    Whoever may edit may view. `flow` is the flow whose definition it is.
    """

    owner: str
    view: list[str]
    edit: list[str]
    flow: str = ""

    @classmethod
    def from_json(cls, text: str) -> "DeclaredPermissions":
        """Read the column `declared`."""
        values = json.loads(text)
        return cls(values["owner"], values["view"], values["edit"], values.get("flow", ""))

    def to_json(self) -> str:
        """The text for the column `declared`."""
        return json.dumps(self._asdict())

    def names(self) -> set[str]:
        """Every `user/NAME` and `group/NAME` in it."""
        return {self.owner, *self.view, *self.edit}

    def permission(self, who: Iterable[str]) -> PagePermission | None:
        """The permission of any of these names; None if it grants them none."""
        names = set(who)
        edit = bool(names & set(self.edit))
        return PagePermission(True, edit) if edit or names & set(self.view) else None
