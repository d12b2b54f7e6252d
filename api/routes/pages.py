"""Endpoints of pages, groups and the alarms that people write."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy.orm import Session

from api.database.database import Database
from api.pages import alarms as page_alarms
from api.pages import pages
from api.pages.service import PageService
from api.permissions.page_permissions import EffectivePermissions
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected

TAG = "Pages"
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Text = Annotated[str, Meta(max_length=200)]
Answer = TypeVar("Answer")


class Name(msgspec.Struct):
    """What a page or a group is called."""

    name: Text


class PageView(msgspec.Struct):
    """A page. `owner_id` is missing where a definition declares the page."""

    id: int
    name: str
    owner_id: int | None
    is_owner: bool


class PageRights(msgspec.Struct):
    """A page with what one may do there.

    `key` is its name in channels (`page/KEY`) and in transitions of alarms.
    """

    id: int
    name: str
    owner_id: int | None
    is_owner: bool
    key: str
    can_edit: bool
    declared: bool


class GroupView(msgspec.Struct):
    """A group."""

    id: int
    name: str
    owner_id: int


class MemberView(msgspec.Struct):
    """An account in a group."""

    id: int
    username: str


class GroupMembers(msgspec.Struct):
    """A group and who is in it. Definitions may name the `official` ones, which admins made."""

    id: int
    name: str
    owner_id: int
    is_owner: bool
    official: bool
    members: list[MemberView]


class Share(msgspec.Struct):
    """What an account or a group may do on a page."""

    subject_type: Literal["user", "group"]
    subject_id: Number
    can_view: bool = False
    can_edit: bool = False


class ShareView(msgspec.Struct):
    """With whom a page is shared."""

    subject_type: Literal["user", "group"]
    subject_id: int
    name: str
    can_view: bool
    can_edit: bool


class AlarmView(msgspec.Struct):
    """An alarm that somebody wrote. `active` means armed."""

    id: int
    page_id: int
    ticker: str
    option: str
    condition: str
    active: bool
    last_triggered: str | None


class NewAlarm(msgspec.Struct):
    """An alarm.

    `condition` is above, below or crosses with a level, such as `above 1.08`; the level may be the
    `option`.
    """

    ticker: Text
    condition: Text
    option: Text = ""


class AlarmChanges(msgspec.Struct):
    """What is to be changed."""

    ticker: Text | UnsetType = UNSET
    option: Text | UnsetType = UNSET
    condition: Text | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Price(msgspec.Struct):
    """At what price."""

    price: float | None = None


class TriggerView(msgspec.Struct):
    """One time an alarm was triggered: by `user/NAME`, or by the `stream`."""

    at: str
    price: float | None
    by: str


class PageId(msgspec.Struct):
    """Which page."""

    page: Number


class AlarmId(msgspec.Struct):
    """Which alarm."""

    alarm: Number


class GroupId(msgspec.Struct):
    """Which group."""

    group: Number


class Membership(msgspec.Struct):
    """Which account in which group."""

    group: Number
    user: Number


class ShareId(msgspec.Struct):
    """Whose share of which page."""

    page: Number
    subject_type: Literal["user", "group"]
    subject_id: Number


class Done(msgspec.Struct):
    """It is done."""

    status: str = "ok"


class PageEndpoints:
    """Answers for pages, groups and alarms."""

    def __init__(self, service: PageService, database: Database) -> None:
        self._service = service
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """The endpoints, for routes and document."""
        group = _endpoint(
            "POST", "/groups", self.create_group, "Make a group", GroupView, body=Name
        )
        member = _endpoint(
            "POST",
            "/groups/{group}/members/{user}",
            self.add_member,
            "Put an account into a group",
            Done,
            Membership,
        )
        page = _endpoint("POST", "/pages", self.create_page, "Make a page", PageView, body=Name)
        one_page, one_alarm = "/api/pages/{page}", "/api/rules/{alarm}"
        return [
            group,
            group.with_address("/api/groups"),
            member,
            member.with_address("/api/groups/{group}/members/{user}"),
            page,
            page.with_address("/api/pages"),
            _endpoint("GET", "/pages", self.pages, "The pages one may view", list[PageView]),
            _endpoint("GET", "/api/pages", self.page_rights, "The pages one may view",
            list[PageRights]),
            _endpoint("PATCH", one_page, self.rename_page, "Rename a page", PageView, PageId, Name),
            _endpoint("DELETE", one_page, self.delete_page, "Delete a page without alarms", Done,
            PageId),
            _endpoint("GET", f"{one_page}/shares", self.shares, "With whom a page is shared",
            list[ShareView], PageId),
            _endpoint("PUT", f"{one_page}/shares", self.share, "Share a page", Done, PageId, Share),
            _endpoint(
                "DELETE", f"{one_page}/shares/{{subject_type}}/{{subject_id}}", self.unshare,
                "Take a share back", Done,
                ShareId,
            ),
            _endpoint("GET", f"{one_page}/rules", self.alarms, "Alarms people wrote on a page",
            list[AlarmView], PageId),
            _endpoint("POST", f"{one_page}/rules", self.create_alarm, "Write an alarm", AlarmView,
            PageId, NewAlarm),
            _endpoint("PATCH", one_alarm, self.update_alarm, "Change an alarm", AlarmView, AlarmId,
            AlarmChanges),
            _endpoint("DELETE", one_alarm, self.delete_alarm, "Delete an alarm", AlarmView,
            AlarmId),
            _endpoint("POST", f"{one_alarm}/trigger", self.trigger, "Trigger an alarm", AlarmView,
            AlarmId, Price),
            _endpoint("GET", f"{one_alarm}/history", self.history, "When it was triggered",
            list[TriggerView], AlarmId),
            _endpoint("GET", "/api/groups", self.groups, "Groups one made or is in",
            list[GroupMembers]),
            _endpoint("DELETE", "/api/groups/{group}", self.delete_group, "Delete a group", Done,
            GroupId),
            _endpoint(
                "DELETE", "/api/groups/{group}/members/{user}", self.remove_member,
                "Take an account out of a group", Done,
                Membership,
            ),
        ]  # fmt: skip

    # ------------------------------------------------------------------------
    # groups
    async def create_group(self, call: Call) -> GroupView:
        """Definitions may name a group (`group/desk_euro`) if an admin made it."""
        return GroupView(**await _answered(self._service.create_group(call.who, call.body.name)))

    async def add_member(self, call: Call) -> Done:
        """For the owner of the group, and admins."""
        await _answered(self._service.add_member(call.who, call.path.group, call.path.user))
        return Done()

    async def remove_member(self, call: Call) -> Done:
        """For the owner of the group, admins, and the account itself."""
        await _answered(self._service.remove_member(call.who, call.path.group, call.path.user))
        return Done()

    async def delete_group(self, call: Call) -> Done:
        """For the owner of the group, and admins. What pages gave to it is gone."""
        await _answered(self._service.delete_group(call.who, call.path.group))
        return Done()

    async def groups(self, call: Call) -> list[GroupMembers]:
        """All of them for an admin."""
        found = await self._look(lambda session: pages.groups_of(session, call.who))
        return msgspec.convert(found, list[GroupMembers])

    # ------------------------------------------------------------------------
    # pages
    async def create_page(self, call: Call) -> PageView:
        """Who makes a page owns it: views, edits and shares it."""
        return PageView(**await _answered(self._service.create_page(call.who, call.body.name)))

    async def rename_page(self, call: Call) -> PageView:
        """For the owner."""
        return PageView(
            **await _answered(self._service.rename_page(call.who, call.path.page, call.body.name))
        )

    async def delete_page(self, call: Call) -> Done:
        """For the owner, once it has no alarms."""
        await _answered(self._service.delete_page(call.who, call.path.page))
        return Done()

    async def pages(self, call: Call) -> list[PageView]:
        """Oldest first."""
        start = await self._look(lambda session: page_alarms.initial_state(session, call.who))
        return msgspec.convert(start["pages"], list[PageView])

    async def page_rights(self, call: Call) -> list[PageRights]:
        """With what one may do there, oldest first."""

        def work(session: Session) -> list[PageRights]:
            return [
                PageRights(
                    page.id,
                    page.name,
                    page.owner_id,
                    right.owner,
                    page.key,
                    right.edit,
                    page.declared is not None,
                )
                for page, right in EffectivePermissions(session, call.who.id).pages()
            ]

        found: list[PageRights] = await self._look(work)
        return found

    async def share(self, call: Call) -> Done:
        """Shares the page; for its owner.

        An account's own right counts before those of its groups.
        """
        body: Share = call.body
        await _answered(
            self._service.share_page(
                call.who,
                call.path.page,
                body.subject_type,
                body.subject_id,
                body.can_view,
                body.can_edit,
            )
        )
        return Done()

    async def unshare(self, call: Call) -> Done:
        """Ends sharing; for the page's owner.

        Connections of those who may no longer see the page get nothing more of it.
        """
        path: ShareId = call.path
        await _answered(
            self._service.unshare_page(call.who, path.page, path.subject_type, path.subject_id)
        )
        return Done()

    async def shares(self, call: Call) -> list[ShareView]:
        """For the owner."""
        found = await self._look(lambda session: pages.shares(session, call.who, call.path.page))
        return msgspec.convert(found, list[ShareView])

    # ------------------------------------------------------------------------
    # alarms
    async def alarms(self, call: Call) -> list[AlarmView]:
        """Oldest first."""

        def work(session: Session) -> list[dict[str, Any]]:
            page = pages.page_for(session, call.who, call.path.page, "view")
            return [
                page_alarms.public_alarm(alarm)
                for alarm in page_alarms.alarms_of(session, [page.id])
            ]

        return msgspec.convert(await self._look(work), list[AlarmView])

    async def create_alarm(self, call: Call) -> AlarmView:
        """Makes an alarm; for who may edit the page.

        Flows with an alarm that has `rules` evaluate it on their stream; a condition that they
        cannot evaluate is triggered by people only.
        """
        body: NewAlarm = call.body
        done = self._service.create_alarm(
            call.who, call.path.page, body.ticker, body.option, body.condition
        )
        return AlarmView(**await _answered(done))

    async def update_alarm(self, call: Call) -> AlarmView:
        """For who may edit the page."""
        changes = {
            name: value
            for name, value in msgspec.structs.asdict(call.body).items()
            if value is not UNSET
        }
        return AlarmView(
            **await _answered(self._service.update_alarm(call.who, call.path.alarm, changes))
        )

    async def delete_alarm(self, call: Call) -> AlarmView:
        """For who may edit the page. The history of its triggers stays as long as the page."""
        return AlarmView(**await _answered(self._service.delete_alarm(call.who, call.path.alarm)))

    async def trigger(self, call: Call) -> AlarmView:
        """For who may view the page."""
        done = await _answered(
            self._service.trigger_alarm(call.who, call.path.alarm, call.body.price)
        )
        return msgspec.convert(done, AlarmView)

    async def history(self, call: Call) -> list[TriggerView]:
        """The latest 500, newest first."""
        found = await self._look(
            lambda session: page_alarms.trigger_history(session, call.who, call.path.alarm)
        )
        return msgspec.convert(found, list[TriggerView])

    async def _look(self, work: Any) -> Any:
        def run() -> Any:
            with self._database.read() as session:
                return work(session)

        return await _answered(asyncio.to_thread(run))


def _endpoint(
    method: str,
    address: str,
    do: Any,
    summary: str,
    answer: Any,
    path: Any = None,
    body: Any = None,
) -> Endpoint:
    errors = (403, 404) if path is not None else ()
    return Endpoint(
        method=method,
        address=address,
        do=do,
        tag=TAG,
        summary=summary,
        answer=answer,
        path=path,
        body=body,
        errors=errors,
    )


async def _answered(work: Awaitable[Answer]) -> Answer:
    """What the work gives, its refusals as answers."""
    try:
        return await work
    except pages.Denied as error:
        raise Rejected(403, str(error)) from None
    except pages.Missing as error:
        raise Rejected(404, str(error)) from None
    except pages.Invalid as error:
        raise Rejected(400, str(error)) from None
