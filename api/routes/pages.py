"""Endpoints of pages and their sharing."""

from typing import Literal

import msgspec
from sqlalchemy.orm import Session

from api.database.database import Database
from api.pages.alarms import initial_state
from api.pages.pages import shares
from api.pages.service import PageService
from api.permissions.page_permissions import EffectivePermissions
from api.routes.page_answers import Name, PageId, answered, looked_up, page_endpoint
from api.routes.parameters import Done, Id
from api.web.endpoints import Call, Endpoint


class PageView(msgspec.Struct):
    """A page. `owner_id` is null where a definition declares the page."""

    id: str
    name: str
    owner_id: str | None
    is_owner: bool


class PageRights(msgspec.Struct):
    """A page, and what the account may do there.

    `key` is its name in channels (`page/KEY`) and in transitions of alarms.
    """

    id: str
    name: str
    owner_id: str | None
    is_owner: bool
    key: str
    can_edit: bool
    declared: bool


class Share(msgspec.Struct):
    """What an account or a group may do on a page."""

    subject_type: Literal["user", "group"]
    subject_id: Id
    can_view: bool = False
    can_edit: bool = False


class ShareView(msgspec.Struct):
    """An account or a group with which a page is shared."""

    subject_type: Literal["user", "group"]
    subject_id: str
    name: str
    can_view: bool
    can_edit: bool


class ShareId(msgspec.Struct):
    """Whose share of which page."""

    page: Id
    subject_type: Literal["user", "group"]
    subject_id: Id


class PageEndpoints:
    """Answer for pages."""

    def __init__(self, service: PageService, database: Database) -> None:
        self._service = service
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """Pages and shares; making and listing pages has an address of the former server, too."""
        page = page_endpoint("POST", "/pages", self.create, "Make a page", PageView, body=Name)
        one = "/api/pages/{page}"
        return [
            page,
            page.with_address("/api/pages"),
            page_endpoint("GET", "/pages", self.pages, "Pages you may view", list[PageView]),
            page_endpoint(
                "GET", "/api/pages", self.permissions, "Pages you may view", list[PageRights]
            ),
            page_endpoint("PATCH", one, self.rename, "Rename a page", PageView, PageId, Name),
            page_endpoint("DELETE", one, self.delete, "Delete a page without alarms", Done, PageId),
            page_endpoint(
                "GET", f"{one}/shares", self.shares, "Shares of a page", list[ShareView], PageId
            ),
            page_endpoint("PUT", f"{one}/shares", self.share, "Share a page", Done, PageId, Share),
            page_endpoint(
                "DELETE",
                f"{one}/shares/{{subject_type}}/{{subject_id}}",
                self.unshare,
                "Stop sharing a page",
                Done,
                ShareId,
            ),
        ]

    async def create(self, call: Call) -> PageView:
        """Whoever makes a page owns it: views, edits and shares it."""
        return PageView(**await answered(self._service.create_page(call.who, call.body.name)))

    async def rename(self, call: Call) -> PageView:
        """For the owner."""
        done = self._service.rename_page(call.who, call.path.page, call.body.name)
        return PageView(**await answered(done))

    async def delete(self, call: Call) -> Done:
        """For the owner, once the page has no alarms."""
        await answered(self._service.delete_page(call.who, call.path.page))
        return Done()

    async def pages(self, call: Call) -> list[PageView]:
        """Oldest first."""
        state = await looked_up(self._database, lambda session: initial_state(session, call.who))
        return msgspec.convert(state["pages"], list[PageView])

    async def permissions(self, call: Call) -> list[PageRights]:
        """With what the account may do there, oldest first."""

        def read(session: Session) -> list[PageRights]:
            return [
                PageRights(
                    id=page.id,
                    name=page.name,
                    owner_id=page.owner_id,
                    is_owner=permission.owner,
                    key=page.key,
                    can_edit=permission.edit,
                    declared=page.declared is not None,
                )
                for page, permission in EffectivePermissions(
                    session, call.who.id, call.who.pages
                ).pages()
            ]

        return await looked_up(self._database, read)

    async def share(self, call: Call) -> Done:
        """For the owner. What an account was granted itself comes before what its groups were."""
        body: Share = call.body
        await answered(
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
        """For the owner. Open connections that may not see the page any more get no more of it."""
        path: ShareId = call.path
        await answered(
            self._service.unshare_page(call.who, path.page, path.subject_type, path.subject_id)
        )
        return Done()

    async def shares(self, call: Call) -> list[ShareView]:
        """For the owner."""
        found = await looked_up(
            self._database, lambda session: shares(session, call.who, call.path.page)
        )
        return msgspec.convert(found, list[ShareView])
