"""Endpoints of the dashboards of pages."""

import msgspec

from api.database.database import Database
from api.pages.dashboard_service import DashboardService
from api.pages.dashboards import dashboards, public_dashboard
from api.pages.panels import AnyPanel, Panels
from api.routes.page_answers import PageId, Text, answered, looked_up, page_endpoint
from api.routes.parameters import Done, Id
from api.web.endpoints import Call, Endpoint


class DashboardHead(msgspec.Struct):
    """A dashboard and its page; `can_edit` is what the account may do there."""

    id: str
    page_id: str
    page: str
    name: str
    version: int
    can_edit: bool
    changed: str
    changed_by: str


class DashboardView(DashboardHead):
    """A dashboard with the panels that the account may know of, in their order."""

    panels: list[AnyPanel]


class NewDashboard(msgspec.Struct):
    """A dashboard to be made."""

    name: Text
    panels: Panels = []


class ChangedDashboard(msgspec.Struct):
    """What a dashboard is to be; `version` is the one that the account knows."""

    name: Text
    panels: Panels
    version: int


class DashboardId(msgspec.Struct):
    """Which dashboard."""

    dashboard: Id


class DashboardEndpoints:
    """Answer for dashboards."""

    def __init__(self, service: DashboardService, database: Database) -> None:
        self._service = service
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """Those of a page are made below the page; each has its own address."""
        one = "/api/dashboards/{dashboard}"
        return [
            page_endpoint(
                "GET", "/api/dashboards", self.all, "Dashboards you may view", list[DashboardHead]
            ),
            page_endpoint("GET", one, self.one, "A dashboard", DashboardView, DashboardId),
            page_endpoint(
                "POST",
                "/api/pages/{page}/dashboards",
                self.create,
                "Make a dashboard",
                DashboardView,
                PageId,
                NewDashboard,
            ),
            page_endpoint(
                "PUT",
                one,
                self.update,
                "Change a dashboard",
                DashboardView,
                DashboardId,
                ChangedDashboard,
                (409,),
            ),
            page_endpoint("DELETE", one, self.delete, "Delete a dashboard", Done, DashboardId),
        ]

    async def all(self, call: Call) -> list[DashboardHead]:
        """By their names."""
        found = await looked_up(self._database, lambda session: dashboards(session, call.who))
        return msgspec.convert(found, list[DashboardHead])

    async def one(self, call: Call) -> DashboardView:
        """For accounts that may view its page. Panels about cameras of other pages are left out."""
        return await self._view(call, call.path.dashboard)

    async def create(self, call: Call) -> DashboardView:
        """For accounts that may edit the page."""
        body: NewDashboard = call.body
        done = self._service.create(call.who, call.path.page, body.name, body.panels)
        return await self._view(call, await answered(done))

    async def update(self, call: Call) -> DashboardView:
        """For accounts that may edit its page. Panels that are hidden from the account stay."""
        body: ChangedDashboard = call.body
        done = self._service.update(
            call.who, call.path.dashboard, body.version, body.name, body.panels
        )
        return await self._view(call, await answered(done))

    async def delete(self, call: Call) -> Done:
        """For accounts that may edit its page."""
        await answered(self._service.delete(call.who, call.path.dashboard))
        return Done()

    async def _view(self, call: Call, dashboard_id: str) -> DashboardView:
        found = await looked_up(
            self._database, lambda session: public_dashboard(session, call.who, dashboard_id)
        )
        return msgspec.convert(found, DashboardView)
