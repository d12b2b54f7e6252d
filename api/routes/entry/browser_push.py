"""Endpoints of notifications to one's own browsers."""

from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.browser_push.encryption import check_keys
from api.browser_push.notifier import BrowserPush, target_of
from api.browser_push.services import ForeignService, check_endpoint
from api.browser_push.subscriptions import TooMany, store
from api.database.database import Database
from api.database.models import PushSubscription
from api.routes.parameters import Done, Id
from api.secret_repr import redacted
from api.web.endpoints import Call, Endpoint
from api.web.errors import Rejected
from operators.model.priority import Priority

TAG = "Accounts"
PATH = "/api/push"
NO_BROWSER = "you have no such browser"
Key = Annotated[str, Meta(min_length=1, max_length=200)]


class Browser(msgspec.Struct):
    """A browser that is told; `agent` is what it calls itself."""

    id: str
    agent: str
    priorities: list[str]
    created: float
    current_login: bool


class Browsers(msgspec.Struct):
    """The `key` that a browser subscribes with (base64url), and one's browsers that are told."""

    key: str
    browsers: list[Browser]


class BrowserKeys(msgspec.Struct):
    """The keys of a subscription, as browsers give them (base64url)."""

    p256dh: Key
    auth: Key

    __repr__ = redacted


class Subscribed(msgspec.Struct):
    """What a browser gave when it subscribed, and the priorities it is to be told of."""

    endpoint: Annotated[str, Meta(min_length=1, max_length=2000)]
    keys: BrowserKeys
    priorities: Annotated[list[Priority], Meta(min_length=1, max_length=4)]
    language: Annotated[str, Meta(pattern="^(en|fr)$")] = "en"

    __repr__ = redacted


class BrowserId(msgspec.Struct):
    """Which browser."""

    id: Id


class Tested(msgspec.Struct):
    """What became of a message: `sent`, `gone`, or `failed`."""

    result: str


class BrowserPushEndpoints:
    """Answer for one's browsers."""

    def __init__(self, database: Database, push: BrowserPush, services: list[str]) -> None:
        self._database = database
        self._push = push
        self._services = services

    def endpoints(self) -> list[Endpoint]:
        """One's own."""
        return [
            Endpoint(
                "GET", PATH, self.own, TAG, "One's browsers that are told of alarms", Browsers,
                needs_login=True,
            ),
            Endpoint(
                "PUT", PATH, self.subscribe, TAG, "Have a browser told of alarms", Browser,
                body=Subscribed, errors=(422,), needs_login=True,
            ),
            Endpoint(
                "DELETE", f"{PATH}/{{id}}", self.forget, TAG, "Tell a browser no more", Done,
                path=BrowserId, errors=(404,), needs_login=True,
            ),
            Endpoint(
                "POST", f"{PATH}/{{id}}/test", self.test, TAG, "Send a browser a message", Tested,
                path=BrowserId, errors=(404,), needs_login=True,
            ),
        ]  # fmt: skip

    async def own(self, call: Call) -> Browsers:
        """The key of this site, and one's browsers, newest first."""

        def read(session: Session) -> list[Browser]:
            mine = select(PushSubscription).where(PushSubscription.user_id == call.who.id)
            newest = session.scalars(mine.order_by(PushSubscription.created.desc()))
            return [_view(one, call.who.login) for one in newest]

        return Browsers(self._push.key.public, await self._database.read_in_thread(read))

    async def subscribe(self, call: Call) -> Browser:
        """Told is of alarms of these priorities that the account may see, and of their ends.

        That lasts as long as the login. A browser that asks again replaces what it asked before.
        """
        body: Subscribed = call.body
        try:
            check_endpoint(body.endpoint, self._services)
        except ForeignService as error:
            raise Rejected(422, str(error)) from None
        try:
            check_keys(body.keys.p256dh, body.keys.auth)
        except ValueError:
            raise Rejected(
                422, "these are no keys of a browser; expected p256dh and auth in base64url"
            ) from None
        agent = call.request.headers.get("user-agent", "")
        keys = (body.keys.p256dh, body.keys.auth)

        def write(session: Session) -> Browser:
            one = store(
                session, call.who, body.endpoint, keys, body.priorities, body.language, agent
            )
            return _view(one, call.who.login)

        try:
            return await self._database.write_in_thread(write)
        except TooMany as error:
            raise Rejected(422, str(error)) from None

    async def forget(self, call: Call) -> Done:
        """Nothing more is sent to it."""

        def write(session: Session) -> bool:
            found = _mine(session, call)
            if found is not None:
                session.delete(found)
            return found is not None

        if not await self._database.write_in_thread(write):
            raise Rejected(404, NO_BROWSER)
        return Done()

    async def test(self, call: Call) -> Tested:
        """Sends a message that says that messages arrive."""
        found = await self._database.read_in_thread(lambda session: _mine(session, call))
        if found is None:
            raise Rejected(404, NO_BROWSER)
        return Tested(await self._push.test(target_of(found)))


def _mine(session: Session, call: Call) -> PushSubscription | None:
    wanted = select(PushSubscription).where(
        PushSubscription.id == call.path.id, PushSubscription.user_id == call.who.id
    )
    return session.scalar(wanted)


def _view(one: PushSubscription, login: str) -> Browser:
    return Browser(one.id, one.agent, one.priorities, one.created, one.login_id == login)
