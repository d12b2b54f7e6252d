"""Endpoints of groups."""

import msgspec

from api.database.database import Database
from api.pages.group_service import GroupService
from api.pages.groups import groups_of
from api.routes.page_answers import Name, answered, looked_up, page_endpoint
from api.routes.parameters import Done, Id
from api.web.endpoints import Call, Endpoint


class GroupView(msgspec.Struct):
    """A group."""

    id: str
    name: str
    owner_id: str


class MemberView(msgspec.Struct):
    """An account in a group."""

    id: str
    username: str


class GroupMembers(msgspec.Struct):
    """A group and its members. Definitions may name the `official` ones, which admins made."""

    id: str
    name: str
    owner_id: str
    is_owner: bool
    official: bool
    members: list[MemberView]


class GroupId(msgspec.Struct):
    """Which group."""

    group: Id


class Membership(msgspec.Struct):
    """Which account in which group."""

    group: Id
    user: Id


class GroupEndpoints:
    """Answer for groups."""

    def __init__(self, service: GroupService, database: Database) -> None:
        self._service = service
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """Groups and their members; the first two have an address of the former server, too."""
        group = page_endpoint("POST", "/groups", self.create, "Make a group", GroupView, body=Name)
        address = "/groups/{group}/members/{user}"
        member = page_endpoint(
            "POST", address, self.add_member, "Add an account to a group", Done, Membership
        )
        return [
            group,
            group.with_address("/api/groups"),
            member,
            member.with_address(f"/api{address}"),
            page_endpoint("GET", "/api/groups", self.groups, "Your groups", list[GroupMembers]),
            page_endpoint(
                "DELETE", "/api/groups/{group}", self.delete, "Delete a group", Done, GroupId
            ),
            page_endpoint(
                "DELETE",
                f"/api{address}",
                self.remove_member,
                "Remove an account from a group",
                Done,
                Membership,
            ),
        ]

    async def create(self, call: Call) -> GroupView:
        """Definitions may name a group (`group/desk_euro`) if an admin made it."""
        return GroupView(**await answered(self._service.create_group(call.who, call.body.name)))

    async def add_member(self, call: Call) -> Done:
        """For the owner of the group, and admins."""
        await answered(self._service.add_member(call.who, call.path.group, call.path.user))
        return Done()

    async def remove_member(self, call: Call) -> Done:
        """For the owner of the group, admins, and the account itself."""
        await answered(self._service.remove_member(call.who, call.path.group, call.path.user))
        return Done()

    async def delete(self, call: Call) -> Done:
        """For the owner of the group, and admins. What pages granted to it is gone."""
        await answered(self._service.delete_group(call.who, call.path.group))
        return Done()

    async def groups(self, call: Call) -> list[GroupMembers]:
        """The groups that the account made or is in; all groups for an admin."""
        found = await looked_up(self._database, lambda session: groups_of(session, call.who))
        return msgspec.convert(found, list[GroupMembers])
