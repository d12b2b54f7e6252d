"""Endpoints of definitions: reading what runs, and having another version run."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.responses import Response

from api.database.audit_log import record_audit
from api.database.database import Database
from api.routes.flows.flows import TAG, FlowName
from api.routes.flows.supervisor import ask_supervisor
from api.settings import Settings
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected
from connectors.http.content_type import JSON
from connectors.runtime.supervisor import LONG, Became, Deploy, Fetch, Held

PATIENCE = 10.0
Text = Annotated[str, Meta(max_length=2 << 20)]


class NewDefinition(msgspec.Struct):
    """A definition, the tables and includes that it reads, by name, and the states it may lose."""

    text: Text
    files: dict[str, Text] = {}
    drop: list[Annotated[str, Meta(max_length=500)]] = []


class Running(msgspec.Struct):
    """The version that runs now."""

    version: str


class DeployEndpoints:
    """Ask the supervisor of `vigie up`."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._folder = settings.supervisor
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """All for admins: a definition is code."""
        return [
            Endpoint(
                "GET",
                "/api/flows/{flow}/definition",
                self.definition,
                TAG,
                "The definition that runs",
                Held,
                role="admin",
                path=FlowName,
                errors=(404, 503),
            ),
            Endpoint(
                "PUT",
                "/api/flows/{flow}",
                self.deploy,
                TAG,
                "Have a definition run",
                Running,
                role="admin",
                path=FlowName,
                body=NewDefinition,
                errors=(409, 422, 503),
            ),
        ]

    async def definition(self, call: Call) -> Response:
        """The files of the version that runs; its `ETag` is what `If-Match` takes."""
        held = msgspec.json.decode(
            await ask_supervisor(self._folder, Fetch(call.path.flow), PATIENCE), type=Held
        )
        if not held.version:
            raise Rejected(404, f"no flow {call.path.flow!r} runs under this `vigie up`")
        tag = {"ETag": f'"{held.version}"'}
        return Response(msgspec.json.encode(held), media_type=JSON, headers=tag)

    async def deploy(self, call: Call) -> Running:
        """Has the definition checked and its tests run; then it takes over from the one that runs.

        Answers once it runs, or the version before is back. `If-Match` names the version that is
        replaced, and is left out for a new flow. 409: another version was there; 422: it may not
        run, or did not.
        """
        expected = call.request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
        body: NewDefinition = call.body
        wish = Deploy(
            flow=call.path.flow,
            text=body.text,
            who=call.who.username,
            files=body.files,
            expected=None if expected == "*" else expected,
            drop=body.drop,
            is_remote=True,
        )
        became = msgspec.json.decode(await ask_supervisor(self._folder, wish, LONG), type=Became)
        await asyncio.to_thread(self._record, call, became)
        if became.refused is not None:
            tag = {"ETag": f'"{became.version}"'} if became.version else None
            raise Rejected(409 if became.conflict else 422, became.refused, tag)
        return Running(became.version or "")

    def _record(self, call: Call, became: Became) -> None:
        with self._database.write() as session:
            record_audit(
                session,
                call.who,
                "flow.deploy",
                call.path.flow,
                became.version or "" if became.refused is None else f"refused: {became.refused}",
                address_of(call.request),
            )
