"""Endpoints of the alarms that people write on pages."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.orm import Session

from api.database.database import Database
from api.pages.alarms import alarms_of, public_alarm, trigger_history
from api.pages.pages import page_for
from api.pages.service import PageService
from api.routes.page_answers import PageId, Text, answered, looked_up, page_endpoint
from api.routes.parameters import Id
from api.web.endpoints import Call, Endpoint


class AlarmView(msgspec.Struct):
    """An alarm on a page. `active` means that it is armed."""

    id: str
    page_id: str
    ticker: str
    option: str
    condition: str
    active: bool
    last_triggered: str | None


class NewAlarm(msgspec.Struct):
    """An alarm to be made.

    `condition` is `above`, `below` or `crosses` with a level, such as `above 1.08`; the level may
    be the `option`.
    """

    ticker: Text
    condition: Text
    option: Text = ""


class AlarmChanges(msgspec.Struct):
    """What to change; what is left out stays."""

    ticker: Text | UnsetType = UNSET
    option: Text | UnsetType = UNSET
    condition: Text | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Price(msgspec.Struct):
    """The price at which the alarm was triggered."""

    price: float | None = None


class TriggerView(msgspec.Struct):
    """One time an alarm was triggered: by `user/NAME`, or by the `stream`."""

    at: str
    price: float | None
    by: str


class AlarmId(msgspec.Struct):
    """Which alarm."""

    alarm: Id


class PageAlarmEndpoints:
    """Answer for the alarms of pages."""

    def __init__(self, service: PageService, database: Database) -> None:
        self._service = service
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """The alarms of a page below the page, each by its number below `/api/rules`."""
        of_page, one = "/api/pages/{page}/rules", "/api/rules/{alarm}"
        return [
            page_endpoint("GET", of_page, self.alarms, "Alarms on a page", list[AlarmView], PageId),
            page_endpoint(
                "POST", of_page, self.create, "Add an alarm", AlarmView, PageId, NewAlarm
            ),
            page_endpoint(
                "PATCH", one, self.update, "Change an alarm", AlarmView, AlarmId, AlarmChanges
            ),
            page_endpoint("DELETE", one, self.delete, "Delete an alarm", AlarmView, AlarmId),
            page_endpoint(
                "POST",
                f"{one}/trigger",
                self.trigger,
                "Trigger an alarm",
                AlarmView,
                AlarmId,
                Price,
            ),
            page_endpoint(
                "GET",
                f"{one}/history",
                self.history,
                "When an alarm was triggered",
                list[TriggerView],
                AlarmId,
            ),
        ]

    async def alarms(self, call: Call) -> list[AlarmView]:
        """Oldest first."""

        def read(session: Session) -> list[dict[str, Any]]:
            page = page_for(session, call.who, call.path.page, "view")
            return [public_alarm(alarm) for alarm in alarms_of(session, [page.id])]

        return msgspec.convert(await looked_up(self._database, read), list[AlarmView])

    async def create(self, call: Call) -> AlarmView:
        """For accounts that may edit the page.

        Flows with an alarm that has `rules` evaluate it on their stream; a condition that they
        cannot evaluate is only ever triggered by people.
        """
        body: NewAlarm = call.body
        done = self._service.create_alarm(
            call.who, call.path.page, body.ticker, body.option, body.condition
        )
        return AlarmView(**await answered(done))

    async def update(self, call: Call) -> AlarmView:
        """For accounts that may edit the page."""
        changes = {
            name: value
            for name, value in msgspec.structs.asdict(call.body).items()
            if value is not UNSET
        }
        done = self._service.update_alarm(call.who, call.path.alarm, changes)
        return AlarmView(**await answered(done))

    async def delete(self, call: Call) -> AlarmView:
        """For accounts that may edit the page. The history stays as long as the page."""
        return AlarmView(**await answered(self._service.delete_alarm(call.who, call.path.alarm)))

    async def trigger(self, call: Call) -> AlarmView:
        """For accounts that may view the page."""
        done = self._service.trigger_alarm(call.who, call.path.alarm, call.body.price)
        return msgspec.convert(await answered(done), AlarmView)

    async def history(self, call: Call) -> list[TriggerView]:
        """The latest 500 triggers, newest first."""
        found = await looked_up(
            self._database, lambda session: trigger_history(session, call.who, call.path.alarm)
        )
        return msgspec.convert(found, list[TriggerView])
