"""Groups as people change them: stored, and followed by open connections at once."""

from typing import Any

from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.pages import groups
from api.push.live_permissions import LivePermissions


class GroupService:
    """Make, fill and delete groups. Raises `api.pages.errors`."""

    def __init__(self, permissions: LivePermissions) -> None:
        self._permissions = permissions

    async def create_group(self, principal: Principal, name: str) -> dict[str, Any]:
        """Make a group of the account's."""

        def work(session: Session) -> dict[str, Any]:
            group = groups.create_group(session, principal, name)
            return {"id": group.id, "name": group.name, "owner_id": group.owner_id}

        return await self._permissions.write(work)

    async def add_member(self, principal: Principal, group_id: str, user_id: str) -> None:
        """Add an account to a group."""
        await self._permissions.change_permissions(
            lambda session: (None, groups.add_member(session, principal, group_id, user_id))
        )

    async def remove_member(self, principal: Principal, group_id: str, user_id: str) -> None:
        """Remove an account from a group."""
        await self._permissions.change_permissions(
            lambda session: (None, groups.remove_member(session, principal, group_id, user_id))
        )

    async def delete_group(self, principal: Principal, group_id: str) -> None:
        """Delete a group, and all that pages grant it."""
        await self._permissions.change_permissions(
            lambda session: (None, groups.delete_group(session, principal, group_id))
        )
