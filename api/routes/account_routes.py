"""The part of the api that serves accounts, pages and the alarms that people write."""

from collections.abc import Callable, Coroutine

from api.accounts.accounts import Accounts
from api.browser_push.notifier import BrowserPush
from api.browser_push.vapid import VapidKey, contact_of
from api.metrics import Metrics
from api.pages.dashboard_service import DashboardService
from api.pages.declared import DeclaredPages
from api.pages.group_service import GroupService
from api.pages.service import PageService
from api.pages.triggers import RuleTriggers
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.routes.accounts import AccountEndpoints
from api.routes.dashboards import DashboardEndpoints
from api.routes.entry.api_tokens import ApiTokenEndpoints
from api.routes.entry.browser_push import BrowserPushEndpoints
from api.routes.entry.login import LoginEndpoints
from api.routes.entry.second_factor import SecondFactorEndpoints
from api.routes.entry.sessions import SessionEndpoints
from api.routes.entry.tickets import TicketEndpoints
from api.routes.groups import GroupEndpoints
from api.routes.page_alarms import PageAlarmEndpoints
from api.routes.pages import PageEndpoints
from api.settings import Settings
from api.topics.outbox import Outbox
from api.web.authentication import Authenticator
from api.web.change_budget import ChangeBudget
from api.web.endpoints import Endpoint
from connectors.runtime.optional_packages import needing


class AccountRoutes:
    """Its parts, and their endpoints."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        authenticator: Authenticator,
        hub: Hub,
        outbox: Outbox,
        metrics: Metrics,
        broker_problem: Callable[[], str | None],
        changes: ChangeBudget,
    ) -> None:
        self.permissions = LivePermissions(accounts, hub.broadcast)
        self.pages = PageService(
            self.permissions, hub, outbox, settings.topics.rules, broker_problem, changes
        )
        self.triggers = RuleTriggers(self.permissions, hub)
        self.declared = DeclaredPages(self.permissions)
        key = VapidKey(settings.data, contact_of(settings.section.url))
        self.browser_push = BrowserPush(accounts.database, key, settings.site, metrics.browser_push)
        registration = settings.section.registration == "open"
        openid = settings.openid
        self.endpoints: list[Endpoint] = [
            *LoginEndpoints(
                accounts,
                self.permissions,
                authenticator,
                metrics,
                registration,
                None if openid is None else openid.name,
            ).endpoints(),
            *_openid_endpoints(settings, accounts, self.permissions, metrics),
            *TicketEndpoints(accounts.logins.tickets).endpoints(),
            *ApiTokenEndpoints(self.permissions).endpoints(),
            *SessionEndpoints(accounts, self.permissions).endpoints(),
            *BrowserPushEndpoints(
                accounts.database, self.browser_push, settings.section.push_services
            ).endpoints(),
            *SecondFactorEndpoints(accounts, settings.site).endpoints(),
            *AccountEndpoints(accounts, self.permissions).endpoints(),
            *PageEndpoints(self.pages, accounts.database).endpoints(),
            *PageAlarmEndpoints(self.pages, accounts.database).endpoints(),
            *DashboardEndpoints(
                DashboardService(self.permissions, hub), accounts.database
            ).endpoints(),
            *GroupEndpoints(GroupService(self.permissions), accounts.database).endpoints(),
        ]

    def work(self) -> list[Callable[[], Coroutine[None, None, None]]]:
        """The tasks that run as long as the api does."""
        return [
            self.permissions.follow_peers,
            self.triggers.run,
            self.declared.run,
            self.browser_push.run,
        ]


def _openid_endpoints(
    settings: Settings, accounts: Accounts, permissions: LivePermissions, metrics: Metrics
) -> list[Endpoint]:
    """Those of the site file's provider, whose libraries are an extra."""
    if settings.openid is None:
        return []
    with needing("connections.openid", "openid", "authlib", "joserfc", "requests"):
        from api.routes.entry.openid import openid_endpoints
    address = f"{settings.section.url}/"
    return openid_endpoints(settings.openid, address, accounts, permissions, metrics)
