"""The endpoint by which dead letters are sent again."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta

from api.database.audit_log import record_audit
from api.database.database import Database
from api.routes.flows.flows import TAG, FlowName
from api.routes.flows.supervisor import ask_supervisor
from api.settings import Settings
from api.web.endpoints import Call, Endpoint, address_of
from api.web.errors import Rejected
from connectors.runtime.supervisor import LONG, SendAgain, SentAgain


class Letter(msgspec.Struct):
    """A dead letter, by its id and the step that refused it."""

    id: Annotated[str, Meta(min_length=1, max_length=400)]
    step: Annotated[str, Meta(max_length=400)]


class ToSend(msgspec.Struct):
    """The letters to be sent again."""

    letters: Annotated[list[Letter], Meta(min_length=1, max_length=100)]


class Sent(msgspec.Struct):
    """How many were sent; by id, why others were not."""

    sent: int
    kept: dict[str, str]


class ReplayEndpoints:
    """Ask the supervisor of `vigie up`, which has the definitions."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._folder = settings.supervisor
        self._database = database

    def endpoints(self) -> list[Endpoint]:
        """For operators, as the list."""
        return [
            Endpoint(
                "POST",
                "/api/flows/{flow}/dead-letters/replay",
                self.replay,
                TAG,
                "Send dead letters again",
                Sent,
                role="operator",
                path=FlowName,
                body=ToSend,
                errors=(422, 503),
                whole_site=True,
            )
        ]

    async def replay(self, call: Call) -> Sent:
        """Sends letters through their flow again, oldest first, and marks them as replayed.

        It is what `vigie dead-letters replay` does. A letter that cannot be sent again stays.
        """
        letters = [(letter.id, letter.step) for letter in call.body.letters]
        wish = SendAgain(call.path.flow, letters)
        told = await ask_supervisor(self._folder, wish, LONG)
        answer = msgspec.json.decode(told, type=SentAgain)
        await asyncio.to_thread(self._record, call, answer)
        if answer.refused is not None:
            raise Rejected(422, answer.refused)
        return Sent(answer.sent, answer.kept)

    def _record(self, call: Call, answer: SentAgain) -> None:
        detail = f"{answer.sent} sent, {len(answer.kept)} kept"
        with self._database.write() as session:
            record_audit(
                session,
                call.who,
                "dead_letters.replay",
                call.path.flow,
                detail if answer.refused is None else f"refused: {answer.refused}",
                address_of(call.request),
            )
