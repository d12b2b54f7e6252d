"""The part of the api that serves accounts, pages and the alarms that people write."""

from collections.abc import Callable, Coroutine

from api.accounts.accounts import Accounts
from api.metrics import Metrics
from api.pages.declared import DeclaredPages
from api.pages.service import PageDesk
from api.pages.triggers import RuleTriggers
from api.push.hub import Hub
from api.push.live_permissions import Access
from api.routes.accounts import AccountEndpoints
from api.routes.login import LoginEndpoints
from api.routes.pages import PageEndpoints
from api.settings import Settings
from api.topics.outbox import TopicRows
from api.web.authentication import Guard
from api.web.endpoints import Endpoint


class People:
    """Its parts."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        guard: Guard,
        hub: Hub,
        rows: TopicRows,
        metrics: Metrics,
        broker_problem: Callable[[], str | None],
    ) -> None:
        self.access = Access(accounts, hub.announce)
        self.desk = PageDesk(self.access, hub, rows, settings.topics.rules, broker_problem)
        self.triggers = RuleTriggers(self.access, hub)
        self.declared = DeclaredPages(self.access)
        registration = settings.section.registration == "open"
        self.endpoints: list[Endpoint] = [
            *LoginEndpoints(accounts, self.access, guard, metrics, registration).endpoints(),
            *AccountEndpoints(accounts, self.access).endpoints(),
            *PageEndpoints(self.desk, accounts.database).endpoints(),
        ]

    def work(self) -> list[Callable[[], Coroutine[None, None, None]]]:
        """What runs as long as the api does."""
        return [self.access.watch, self.triggers.run, self.declared.run]
