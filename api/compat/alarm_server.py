"""The protocol of the former alarm server.

Pages and alarms by messages `{"type","payload"}`, each answered by `success` or `error`.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

from api.pages.errors import Denied, Invalid, Missing
from api.pages.pages import SubjectType
from api.pages.service import RULES, PageService
from api.push.client import Client
from api.push.frames import text_frame
from api.push.hub import Hub
from api.push.protocol import BadMessage, names_of, read_message
from api.push.updates import Update
from api.web.change_budget import TooManyChanges

Payload = dict[str, Any]
LONGEST_ID = 64
DONE = {"create_page": "page_created", "share_page": "page_shared"}
"""Actions that an answer names otherwise than the message did."""
ACTION = 10.0
"""Units of a budget for a change of the database."""
WRITTEN = frozenset(("create_alarm", "update_alarm", "delete_alarm"))
"""Actions of which flows must hear."""


class Subscriptions(Protocol):
    """Other channels that a client may subscribe to in the same conversation."""

    def choose(self, channels: list[str]) -> list[str]:
        """The hub's channels for a client's own names of them. Raises `BadMessage`."""

    def encode(self, update: Update) -> bytes | None:
        """The frame of an update of one of them; None if it has none."""


class AlarmServerProtocol:
    """Changes of alarms as `alarm_update`; other channels as `subscriptions` encodes them."""

    def __init__(self, subscriptions: Subscriptions | None) -> None:
        self.name = "alarm_server"
        self.deduplicates = True
        self._subscriptions = subscriptions

    def encode(self, update: Update) -> bytes | None:
        """The frame of an update; None if it has none."""
        if update.channel == RULES:
            return text_frame(f'{{"type":"alarm_update","payload":{update.data}}}')
        return self._subscriptions.encode(update) if self._subscriptions else None


class AlarmServerConversation:
    """A client of the alarm server, subscribed from the start to all that it may see."""

    def __init__(
        self,
        hub: Hub,
        client: Client,
        service: PageService,
        subscriptions: Subscriptions | None = None,
        limit: int = 64,
    ) -> None:
        self._hub = hub
        self._client = client
        self._service = service
        self._subscriptions = subscriptions
        self._limit = limit
        self._protocol = AlarmServerProtocol(subscriptions)
        self._channels: dict[str, None] = {}
        self._actions: dict[str, Callable[[Payload], Awaitable[Any]]] = {
            "create_alarm": self._create_alarm,
            "update_alarm": self._update_alarm,
            "delete_alarm": self._delete_alarm,
            "trigger_alarm": self._trigger_alarm,
            "create_page": self._create_page,
            "share_page": self._share_page,
        }

    async def start(self) -> None:
        """Send the pages and alarms that the account may view."""
        await self._service.begin(self._client.principal, self._begin)

    async def receive(self, text: str) -> None:
        """Carry out an action and answer it. Raises `BadMessage`."""
        message = read_message(text, '{"type":"create_page","payload":{"name":"..."}}')
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "subscribe" and self._subscriptions is not None:
            self._subscribe(names_of(self._client, message, self._limit), self._subscriptions)
            return
        action = self._actions.get(kind) if isinstance(kind, str) else None
        if action is None:
            raise BadMessage(
                f"type is {repr(kind)[:42]}; this server knows {', '.join(self._actions)}"
            )
        payload = message.get("payload")
        if not isinstance(payload, dict):
            raise BadMessage(f"{kind} needs a payload, such as {{}}")
        self._client.spend(ACTION)
        try:
            if self._service.changes is not None:
                self._service.changes.spend(self._client.principal.id)
            data = await action(payload)
        except (Denied, Missing, Invalid, TooManyChanges) as refusal:
            raise BadMessage(str(refusal)) from None
        self._say("success", {"action": DONE.get(str(kind), kind), "data": data})
        if kind in WRITTEN and self._service.broker_warning:
            self.send_error(self._service.broker_warning)

    def send_error(self, message: str) -> None:
        """Tell the client why its message was refused."""
        self._say("error", {"message": message})

    def visibility_changed(self) -> None:
        """Subscribe anew with what the account may see now."""
        self._update_subscription()

    def _begin(self, state: dict[str, Any]) -> None:
        principal = self._client.principal
        self._say(
            "initial_state", {"user": {"id": principal.id, "username": principal.username}, **state}
        )
        self._update_subscription()

    def _update_subscription(self) -> None:
        self._hub.subscribe(self._client, self._protocol, [RULES, *self._channels])

    def _subscribe(self, channels: list[str], subscriptions: Subscriptions) -> None:
        chosen = dict.fromkeys(subscriptions.choose(channels))
        if len(self._channels | chosen) > self._limit:
            raise BadMessage(f"more than {self._limit} channels on one connection")
        self._channels |= chosen
        self._update_subscription()

    def _say(self, kind: str, payload: Payload) -> None:
        text = json.dumps(
            {"type": kind, "payload": payload}, ensure_ascii=False, separators=(",", ":")
        )
        self._client.send(text_frame(text))

    # ------------------------------------------------------------------------
    # messages
    async def _create_alarm(self, payload: Payload) -> Any:
        texts = [payload.get(name, "") for name in ("ticker", "option", "condition")]
        return await self._service.create_alarm(
            self._client.principal, _id(payload, "page_id"), *texts
        )

    async def _update_alarm(self, payload: Payload) -> Any:
        changes = {name: value for name, value in payload.items() if name not in ("alarm_id", "id")}
        return await self._service.update_alarm(
            self._client.principal, _id(payload, "alarm_id"), changes
        )

    async def _delete_alarm(self, payload: Payload) -> Any:
        return await self._service.delete_alarm(self._client.principal, _id(payload, "alarm_id"))

    async def _trigger_alarm(self, payload: Payload) -> Any:
        alarm_id = _id(payload, "alarm_id")
        return await self._service.trigger_alarm(
            self._client.principal, alarm_id, payload.get("price")
        )

    async def _create_page(self, payload: Payload) -> Any:
        name = payload.get("name")
        if not isinstance(name, str):
            raise BadMessage("name must be a text")
        return await self._service.create_page(self._client.principal, name)

    async def _share_page(self, payload: Payload) -> Any:
        return await self._service.share_page(
            self._client.principal,
            _id(payload, "page_id"),
            _subject_type(payload),
            _id(payload, "subject_id"),
            _flag(payload, "can_view"),
            _flag(payload, "can_edit"),
        )


def _id(payload: Payload, name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        raise BadMessage(f"{name} must be the text that this server gave as id")
    return value


def _flag(payload: Payload, name: str) -> bool:
    value = payload.get(name, False)
    if not isinstance(value, bool):
        raise BadMessage(f"{name} must be true or false")
    return value


def _subject_type(payload: Payload) -> SubjectType:
    value: Literal["user", "group"] | Any = payload.get("subject_type")
    if value not in ("user", "group"):
        raise BadMessage('subject_type must be "user" or "group"')
    return "user" if value == "user" else "group"
