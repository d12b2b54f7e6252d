"""Changes of dashboards, which are sent to everybody who may see their page."""

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy.orm import Session

from api.accounts.principal import Principal
from api.database.dashboards import Dashboard
from api.database.models import Page
from api.pages import dashboards
from api.pages.panels import AnyPanel
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.push.updates import Update

DASHBOARDS = "dashboards"
"""Channel of what happens to dashboards: created, updated, deleted. It tells of no panel."""


class DashboardService:
    """Change dashboards. Raises `api.pages.errors`."""

    def __init__(self, permissions: LivePermissions, hub: Hub) -> None:
        self._permissions = permissions
        self._hub = hub

    async def create(
        self, principal: Principal, page_id: str, name: str, panels: Sequence[AnyPanel]
    ) -> str:
        """Put a dashboard on a page; returns its id."""
        return await self._change(
            "created", lambda s: dashboards.create_dashboard(s, principal, page_id, name, panels)
        )

    async def update(
        self,
        principal: Principal,
        dashboard_id: str,
        version: int,
        name: str,
        panels: Sequence[AnyPanel],
    ) -> str:
        """Change a dashboard of which the account knows `version`; returns its id."""
        return await self._change(
            "updated",
            lambda s: dashboards.update_dashboard(
                s, principal, dashboard_id, version, name, panels
            ),
        )

    async def delete(self, principal: Principal, dashboard_id: str) -> str:
        """Delete a dashboard; returns its id."""
        return await self._change(
            "deleted", lambda s: dashboards.delete_dashboard(s, principal, dashboard_id)
        )

    async def _change(self, action: str, work: Callable[[Session], Dashboard]) -> str:
        def work_and_put(session: Session) -> tuple[str, Update]:
            one = work(session)
            page = session.get(Page, one.page_id)
            assert page is not None
            told = {"id": one.id, "page_id": page.id, "action": action, "version": one.version}
            data = msgspec.json.encode(told).decode()
            update = Update(DASHBOARDS, data, subject=one.id, page=page.key)
            self._permissions.peer_updates.put(session, [update])
            return one.id, update

        done, _ = await self._permissions.write(
            work_and_put, lambda result: self._hub.broadcast(result[1])
        )
        return done
