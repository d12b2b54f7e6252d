"""What an account may do on which page.

Owners come first, then what an account was granted itself, then what its groups were granted.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from api.database.declared import (
    NO_PERMISSION,
    OWNER_PERMISSION,
    DeclaredPermissions,
    PagePermission,
)
from api.database.models import Group, Member, Page, Permission, User
from api.permissions.camera_pages import hidden_cameras
from api.permissions.visibility import Visibility


class EffectivePermissions:
    """The permissions of one account as they stand in the database now.

    With `only`, those pages are all there are: keys that a program's token is limited to.
    """

    def __init__(self, session: Session, user_id: str, only: frozenset[str] | None = None) -> None:
        self._only = only
        self._session = session
        self._user_id = user_id
        self._name = session.scalar(select(User.username).where(User.id == user_id)) or ""
        groups = select(Group.id, Group.name, Group.official).join(
            Member, Member.group_id == Group.id
        )
        self._groups = session.execute(groups.where(Member.user_id == user_id)).all()

    def on(self, page: Page) -> PagePermission:
        """What the account may do on a page."""
        return self._permissions([page], select(Permission).where(Permission.page_id == page.id))[
            page.id
        ]

    def pages(self) -> list[tuple[Page, PagePermission]]:
        """The pages it may view, oldest first."""
        mine = select(Permission.page_id).where(
            (Permission.user_id == self._user_id) | Permission.group_id.in_(self._group_ids)
        )
        wanted = (Page.owner_id == self._user_id) | Page.declared.is_not(None) | Page.id.in_(mine)
        pages = list(self._session.scalars(select(Page).where(wanted).order_by(Page.name, Page.id)))
        granted = self._permissions(
            pages, select(Permission).where(Permission.page_id.in_([page.id for page in pages]))
        )
        return [(page, granted[page.id]) for page in pages if granted[page.id].view]

    def visibility(self) -> Visibility:
        """What the account may see."""
        pages = frozenset(page.key for page, _ in self.pages())
        return Visibility(pages, hidden_cameras(self._session, pages))

    @property
    def _group_ids(self) -> list[str]:
        return [group.id for group in self._groups]

    def _permissions(
        self, pages: list[Page], permissions: Select[Any]
    ) -> dict[str, PagePermission]:
        mine = (Permission.user_id == self._user_id) | Permission.group_id.in_(self._group_ids)
        found = list(self._session.scalars(permissions.where(mine)))
        return {
            page.id: self._permission(page, [one for one in found if one.page_id == page.id])
            for page in pages
        }

    def _permission(self, page: Page, permissions: list[Permission]) -> PagePermission:
        if self._only is not None and page.key not in self._only:
            return NO_PERMISSION
        me = f"user/{self._name}"
        declared = (
            DeclaredPermissions.from_json(page.declared)
            if page.declared is not None
            else DeclaredPermissions("", [], [])
        )
        if page.owner_id == self._user_id or declared.owner == me:
            return OWNER_PERMISSION
        own = [
            PagePermission(one.can_view, one.can_edit)
            for one in permissions
            if one.user_id is not None
        ]
        own += filter(None, [declared.permission([me])])
        if own:
            return _together(own)
        official = [f"group/{group.name}" for group in self._groups if group.official]
        through_groups = [
            PagePermission(one.can_view, one.can_edit)
            for one in permissions
            if one.group_id is not None
        ]
        return _together([*through_groups, declared.permission(official) or NO_PERMISSION])


def _together(granted: Iterable[PagePermission]) -> PagePermission:
    view, edit, owner = zip(*granted, strict=True)
    return PagePermission(any(view), any(edit), any(owner))
