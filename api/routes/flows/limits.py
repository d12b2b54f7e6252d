"""The endpoints by which limits of alarms are read, and others tried before a deploy."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.routes.flows.flows import TAG, Name
from api.routes.flows.supervisor import ask_supervisor
from api.settings import Settings
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected
from connectors.runtime.supervisor import LONG, LimitsPlanned, PlanLimits

LONGEST = 31 * 86400.0


class AlarmName(msgspec.Struct):
    """Which alarm of which flow."""

    flow: Name
    alarm: Annotated[str, Meta(min_length=1, max_length=200)]


class OtherLimits(msgspec.Struct):
    """Other values by place (`when.above`), and seconds of history under which to compare both."""

    values: dict[
        Annotated[str, Meta(max_length=100)], Annotated[str, Meta(min_length=1, max_length=40)]
    ]
    over: Annotated[float, Meta(ge=0, le=LONGEST)] = 7 * 86400.0


class LimitEndpoints:
    """Ask the supervisor of `vigie up`, which has the definitions."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.supervisor

    def endpoints(self) -> list[Endpoint]:
        """For admins, as the definitions."""
        return [
            Endpoint(
                "GET",
                "/api/flows/{flow}/limits/{alarm}",
                self.limits,
                TAG,
                "The limits of an alarm",
                LimitsPlanned,
                role="admin",
                path=AlarmName,
                errors=(422, 503),
            ),
            Endpoint(
                "POST",
                "/api/flows/{flow}/limits/{alarm}",
                self.plan,
                TAG,
                "What other limits would have made",
                LimitsPlanned,
                role="admin",
                path=AlarmName,
                body=OtherLimits,
                errors=(422, 503),
            ),
        ]

    async def limits(self, call: Call) -> LimitsPlanned:
        """The limits and spans of an alarm as the definition that runs has them."""
        return await self._ask(PlanLimits(call.path.flow, call.path.alarm))

    async def plan(self, call: Call) -> LimitsPlanned:
        """Replays history with the limits that run and with others; changes nothing.

        `text` is the definition with the others, which `PUT /api/flows/{flow}` takes with the
        `version` as `If-Match`. `unknown` says why history could not be asked; it may be deployed
        all the same.
        """
        body: OtherLimits = call.body
        return await self._ask(PlanLimits(call.path.flow, call.path.alarm, body.values, body.over))

    async def _ask(self, wish: PlanLimits) -> LimitsPlanned:
        told = await ask_supervisor(self._folder, wish, LONG)
        answer = msgspec.json.decode(told, type=LimitsPlanned)
        if answer.refused is not None:
            raise Rejected(422, answer.refused)
        return answer
