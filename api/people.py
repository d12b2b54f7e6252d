"""The part of the api that serves accounts, pages and the alarms that people write."""

from collections.abc import Callable, Coroutine

from api.access import Access
from api.auth import Accounts
from api.declared_pages import DeclaredPages
from api.endpoints import Endpoint
from api.guard import Guard
from api.hub import Hub
from api.metrics import Metrics
from api.page_desk import PageDesk
from api.rest_accounts import AccountEndpoints
from api.rest_login import LoginEndpoints
from api.rest_pages import PageEndpoints
from api.rule_triggers import RuleTriggers
from api.settings import Settings
from api.topic_rows import TopicRows


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
        self.desk = PageDesk(self.access, hub, rows, settings.rules_topic, broker_problem)
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
