"""Endpoints of alarms: their present state, their history, and commands to them."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from api.accounts.principal import Principal
from api.database.audit_log import record_audit
from api.database.database import Database
from api.permissions.visibility import Visibility
from api.push.hub import Hub
from api.push.live_permissions import LivePermissions
from api.routes.parameters import Moment, PageToken, page_token, read_page_token
from api.site.alarm_archive import AlarmArchive, TransitionFilter, TransitionKey
from api.site.clickhouse_history import ClickHouseHistory
from api.topics.alarm_commands import WAIT, AlarmCommands
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected
from connectors.http.content_type import JSON
from operators.alarms.command_handler import ACCEPTED, LIMITS, UNKNOWN
from operators.alarms.engine.commands import PERMISSIONS
from operators.alarms.watched import WatchedLimit
from operators.events import Occurrence

TAG = "Alarms"
COMMANDS = (*PERMISSIONS, "acknowledge")
LONGEST_WAIT = 30.0
LIMITS_WAIT = 3.0
"""Seconds for the first flow to tell limits; most subjects have none, which nobody says."""
NO_NUL = r"^[^\x00]*$"
Word = Annotated[str, Meta(max_length=300)]


class AlarmQuery(msgspec.Struct):
    """Which alarms."""

    all: Annotated[Literal[0, 1], Meta(description="1: also those that are normal.")] = 0
    subject: Word | None = None


class AlarmList(msgspec.Struct):
    """Alarms as their last transition left them, most urgent first."""

    alarms: list[dict[str, Any]]


class TransitionQuery(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """Which transitions."""

    rule: Word | None = None
    alarm: Word | None = None
    subject: Word | None = None
    priority: Word | None = None
    change: Word | None = None
    start: Moment | None = None
    end: Moment | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    after: PageToken | None = None


class TransitionPage(msgspec.Struct):
    """Transitions of alarms, newest first. `next` is for the page after; null on the last one."""

    transitions: list[dict[str, Any]]
    next: str | None


class LimitQuery(msgspec.Struct):
    """Of which subject."""

    subject: Annotated[str, Meta(min_length=1, max_length=300, pattern=NO_NUL)]


class WatchedLimits(msgspec.Struct):
    """Limits under which the signals of a subject are judged."""

    limits: list[WatchedLimit]


class AlarmPlace(msgspec.Struct):
    """Which alarm, and which command. A slash in a name is written `%2F`."""

    rule: Annotated[
        str, Meta(min_length=1, max_length=300, pattern=NO_NUL, examples=["server_room/too_hot"])
    ]
    subject: Annotated[str, Meta(min_length=1, max_length=300, pattern=NO_NUL)]
    command: Annotated[str, Meta(min_length=1, max_length=40, examples=["ack"])]


class CommandBody(msgspec.Struct):
    """Parameters of a command.

    A `reason` (or `comment`), a `duration` in seconds or as `2h`, the `occurrence` that is meant.
    """

    reason: Annotated[str, Meta(max_length=1000, pattern=NO_NUL)] | None = None
    comment: Annotated[str, Meta(max_length=1000, pattern=NO_NUL)] | None = None
    duration: Annotated[float, Meta(gt=0, le=1e9)] | Annotated[str, Meta(max_length=20)] | None = (
        None
    )
    oneshot: bool | None = None
    occurrence: Annotated[int, Meta(ge=0, le=2**31)] | None = None
    wait: Annotated[
        float, Meta(gt=0, le=LONGEST_WAIT, description="Seconds to wait for the flow's answer.")
    ] = WAIT


class CommandAnswer(msgspec.Struct):
    """The flow's answer: `state`, `isa` and `flags` after the command.

    `accepted` is null if no flow answered in time: it may still carry the command out later.
    """

    id: str
    accepted: bool | None
    answers: list[dict[str, Any]]
    error: str | None = None


class AlarmEndpoints:
    """Answer for alarms. `flows` gives the status of each flow."""

    def __init__(
        self,
        hub: Hub,
        history: ClickHouseHistory,
        permissions: LivePermissions,
        commands: AlarmCommands,
        database: Database,
        flows: Callable[[], Mapping[str, str]],
    ) -> None:
        self._hub = hub
        self._archive = AlarmArchive(history)
        self._permissions = permissions
        self._commands = commands
        self._database = database
        self._flows = flows

    def endpoints(self) -> list[Endpoint]:
        """Standing alarms, their history, and the commands."""
        return [
            Endpoint(
                "GET",
                "/api/alarms",
                self.standing,
                TAG,
                "Alarms that stand",
                AlarmList,
                query=AlarmQuery,
            ),
            Endpoint(
                "GET",
                "/api/alarms/limits",
                self.limits,
                TAG,
                "Limits of a subject",
                WatchedLimits,
                query=LimitQuery,
                errors=(503,),
                outside=True,
            ),
            Endpoint(
                "GET",
                "/api/alarms/history",
                self.past,
                TAG,
                "What alarms did",
                TransitionPage,
                query=TransitionQuery,
                errors=(503,),
                outside=True,
            ),
            Endpoint(
                "POST",
                "/api/alarms/{rest:path}",
                self.command,
                TAG,
                "Act on an alarm",
                CommandAnswer,
                described="/api/alarms/{rule}/{subject}/{command}",
                role="operator",
                path=AlarmPlace,
                path_from=_place,
                body=CommandBody,
                body_optional=True,
                errors=(404, 503),
                also={409: CommandAnswer, 504: CommandAnswer},
            ),
        ]

    async def standing(self, call: Call) -> AlarmList:
        """Alarms that are not normal, most urgent first; with `all=1` every known alarm.

        With `subject`, those of that subject only.
        """
        visibility = await self._permissions.visibility(call.who)
        known = self._hub.alarms.current(bool(call.query.all), call.query.subject)
        return AlarmList([*filter(visibility.allows_plain, known)])

    async def limits(self, call: Call) -> WatchedLimits:
        """The limits of all alarms that judge a subject's signals, raised or not.

        The flows that run are asked; none where none runs. An alarm without a limit, such as one of
        silence, has one entry with `limit` null. Where `unit` is null the limit is in the signal's
        own unit.
        """
        if not {"ok", "behind", "blind"} & {*self._flows().values()}:
            return WatchedLimits([])
        visibility = await self._permissions.visibility(call.who)
        asked = {"do": LIMITS, "user": call.who.username, "sees": visibility.as_data()}
        answers = await self._commands.ask(call.query.subject, asked, LIMITS_WAIT, several=True)
        return WatchedLimits(_limits(answers))

    async def past(self, call: Call) -> TransitionPage:
        """Transitions from ClickHouse's table `alarm_events`, newest first."""
        query: TransitionQuery = call.query
        visibility = await self._permissions.visibility(call.who)
        after = None if query.after is None else read_page_token(query.after, TransitionKey)
        wanted = TransitionFilter(
            query.rule,
            query.alarm,
            query.subject,
            query.priority,
            query.change,
            query.start,
            query.end,
        )
        found, last = await self._archive.page(wanted, visibility, after, query.limit)
        return TransitionPage(found, None if last is None else page_token(last))

    async def command(self, call: Call) -> Response:
        """Acknowledge, shelve and so on.

        Commands are `ack`, `unack`, `comment`, `shelve`, `unshelve`, `reset`, `out_of_service`,
        `in_service`, `clear` and `retire`, which takes the subject out with all its alarms of the
        flow, if all are on pages that the account sees. The command goes to the flow over the topic
        `vigie.alarm-commands`; the answer is the flow's own. 409: the flow refused it, and says
        why. 504: no flow answered in time; it may still carry it out later.
        """
        place: AlarmPlace = call.path
        if place.command not in COMMANDS:
            raise Rejected(
                404, f"there is no command {place.command[:40]!r}; there are {', '.join(COMMANDS)}"
            )
        body: CommandBody = call.body or CommandBody()
        visibility = await self._permissions.visibility(call.who)
        page = self._hub.alarms.page_of(place.rule, place.subject)
        if not visibility.allows(page, place.subject):
            raise _no_alarm(place)
        data: dict[str, Any] = {"do": place.command, "user": call.who.username}
        data |= self._aim(place, visibility)
        for name in ("comment", "reason", "duration", "oneshot", "occurrence"):
            value = getattr(body, name)
            if value is not None:
                data["comment" if name == "reason" else name] = value
        id = uuid.uuid4().hex
        await asyncio.to_thread(self._record, call.who, place, data, address_of(call.request))
        data["sees"] = visibility.as_data()
        answers = await self._commands.ask(place.subject, data, body.wait, id)
        if answers and all(answer.data.get("error") == UNKNOWN for answer in answers):
            raise _no_alarm(place)
        return _answer(id, answers)

    def _aim(self, place: AlarmPlace, visibility: Visibility) -> dict[str, str]:
        """What a command is for: one alarm, or all of a subject that retires."""
        flow = place.rule.partition("/")[0]
        known = [
            one
            for one in self._hub.alarms.current(True)
            if one["subject"] == place.subject and one["rule"].partition("/")[0] == flow
        ]
        if place.command == "retire" and all(map(visibility.allows_plain, known)):
            return {"flow": flow}
        return {"rule": place.rule}

    def _record(
        self, principal: Principal, place: AlarmPlace, data: dict[str, Any], address: str
    ) -> None:
        with self._database.write() as session:
            detail = json.dumps(
                {key: value for key, value in data.items() if key not in ("do", "rule", "user")}
            )
            record_audit(
                session,
                principal,
                f"alarm.{place.command}",
                f"{place.rule} {place.subject}",
                detail,
                address,
            )


def _no_alarm(place: AlarmPlace) -> Rejected:
    """For one that is hidden as for one that is not there."""
    return Rejected(404, f"there is no alarm {place.rule!r} of {place.subject!r}")


def _limits(answers: Iterable[Occurrence]) -> list[WatchedLimit]:
    """What flows of this release told, each limit once."""
    told = [one for answer in answers for one in answer.data.get("limits", ())]
    limits = [msgspec.convert(one, WatchedLimit) for one in told]
    return [one for place, one in enumerate(limits) if one not in limits[:place]]


def _answer(id: str, answers: list[Occurrence]) -> Response:
    said = [{"type": answer.type, "subject": answer.subject, **answer.data} for answer in answers]
    if not said:
        error = "no flow answered in time; it may still carry the command out later"
        return _said(504, CommandAnswer(id, None, [], error))
    if any(answer.type == ACCEPTED for answer in answers):
        return _said(200, CommandAnswer(id, True, said))
    error = str(answers[0].data.get("error", "refused"))
    return _said(409, CommandAnswer(id, False, said, error))


def _said(status: int, answer: CommandAnswer) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type=JSON)


def _place(request: Request) -> dict[str, str]:
    """The rule, subject and command of an address.

    A rule's own slash may stand as it is where the subject has none.
    """
    parts = [
        unquote(part)
        for part in request.scope["raw_path"].decode("ascii", "replace").split("/")[3:]
    ]
    if len(parts) < 3 or not all(parts):
        raise Rejected(
            404, "write /api/alarms/RULE/SUBJECT/COMMAND, with %2F for a slash in a name"
        )
    slash = len(parts) > 3
    rule, subject = "/".join(parts[: 1 + slash]), "/".join(parts[1 + slash : -1])
    return {"rule": rule, "subject": subject, "command": parts[-1]}
