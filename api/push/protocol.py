"""Conversations over a connection, and the protocols of Vigie's own clients."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from api.push.client import Client
from api.push.cursor import CursorError, parse
from api.push.frames import text_frame
from api.push.hub import Hub
from api.push.opening import Opening
from api.push.updates import Update

LONGEST_CHANNEL = 200


class BadMessage(Exception):
    """A message that the protocol does not know; the text is for whoever writes the client."""


def read_message(text: str, example: str) -> Any:
    """A client's message, decoded. Raises `BadMessage`.

    Strictly JSON: half of a surrogate pair, for instance, could not be sent back.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise BadMessage(f"not JSON; write {example}") from None


def names_of(client: Client, message: Mapping[str, Any], limit: int) -> list[str]:
    """The `channels` of a message, which the client pays for. Raises `BadMessage`."""
    names = message.get("channels")
    if isinstance(names, list) and len(names) > limit:
        raise BadMessage(f"more than {limit} channels on one connection")
    if not isinstance(names, list) or not all(
        isinstance(name, str) and 0 < len(name) <= LONGEST_CHANNEL for name in names
    ):
        raise BadMessage('channels must be a list of names, such as ["readings","alarms"]')
    client.spend(len(names))
    return names


class Conversation(Protocol):
    """One client, spoken to in its protocol."""

    async def start(self) -> None:
        """Called once the client is known."""

    async def receive(self, text: str) -> None:
        """Act on a message of the client. Raises `BadMessage`."""

    def send_error(self, message: str) -> None:
        """Tell the client why its message was refused."""

    def visibility_changed(self) -> None:
        """Act on a change of what the account may see."""


class PushProtocol:
    """Vigie's own protocol, `vigie.push.v1`.

    The client sends `subscribe`, `unsubscribe`, `ping`; it gets `ready`, `subscribed`,
    `unsubscribed`, `snapshot`, `event`, `heartbeat`, `rights`, `pong`, `error`.
    """

    name = "push"
    deduplicates = False

    def encode(self, update: Update) -> bytes:
        """The frame of an update."""
        channel = json.dumps(update.channel, ensure_ascii=False)
        return text_frame(
            f'{{"type":"event","channel":{channel},"cursor":"{update.cursor}","data":{update.data}}}'
        )


class RawProtocol:
    """The shaped data of one channel, one text a change; the client sends nothing."""

    name = "raw"
    deduplicates = False

    def encode(self, update: Update) -> bytes | None:
        """The frame of an update; None if it has no shaped data."""
        if not update.shaped:
            return None
        try:
            return text_frame(json.dumps(msgspec.json.decode(update.data), ensure_ascii=False))
        except (msgspec.DecodeError, RecursionError):
            return None  # no flow writes that


PUSH = PushProtocol()
RAW = RawProtocol()


class PushConversation:
    """A client of the push protocol: its subscriptions, and how it resumes after a break."""

    def __init__(
        self, hub: Hub, client: Client, limit: int, backfilled: Callable[[], Awaitable[None]]
    ) -> None:
        """Speak with a client that may have at most `limit` channels.

        `backfilled` waits until the topics have been read back after a start.
        """
        self._hub = hub
        self._client = client
        self._limit = limit
        self._opening = Opening(hub, client, PUSH, self._snapshot, backfilled)
        self._channels: dict[str, None] = {}

    async def start(self) -> None:
        """Tell the client that it is known."""
        self._say(type="ready")

    async def receive(self, text: str) -> None:
        """Subscribe, unsubscribe, or answer a ping. Raises `BadMessage`."""
        message = read_message(text, '{"type":"subscribe","channels":["readings","alarms"]}')
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "ping":
            self._say(type="pong")
            return
        if kind not in ("subscribe", "unsubscribe"):
            raise BadMessage(
                f"type is {repr(kind)[:42]}; this server knows subscribe, unsubscribe and ping"
            )
        channels = names_of(self._client, message, self._limit)
        if kind == "unsubscribe":
            self._unsubscribe(channels)
        elif message.get("cursor") is None:
            await self._subscribe(channels)
        else:
            await self._resume(channels, message["cursor"])

    def send_error(self, message: str) -> None:
        """Tell the client why its message was refused."""
        self._say(type="error", message=message)

    def visibility_changed(self) -> None:
        """Drop what the account may not see any longer, and tell the client."""
        lost = [
            channel
            for channel in self._channels
            if not self._client.visibility.allows_channel(channel)
        ]
        for channel in lost:
            del self._channels[channel]
        self._update_subscription()
        self._say(type="rights")
        if lost:
            self._say(
                type="unsubscribed",
                channels=lost,
                reason="this account may not see them any longer",
            )

    async def _subscribe(self, channels: list[str]) -> None:
        new, answer = self._admit(channels)
        self._say(**answer)
        await self._opening.snapshots(new, self._follow)

    async def _resume(self, channels: list[str], cursor: object) -> None:
        try:
            positions = parse(cursor)
        except CursorError as error:
            raise BadMessage(str(error)) from None
        missed = await self._opening.missed(positions, self._admit(channels)[0])
        new, answer = self._admit(channels)
        self._say(**answer, recovered=missed is not None)
        if missed is None:
            await self._opening.snapshots(new, self._follow)
        else:
            self._client.replay(missed)
            self._follow(*new)

    def _admit(self, channels: list[str]) -> tuple[list[str], dict[str, Any]]:
        """The channels that are new and may be seen, and the answer to the client."""
        wanted = list(dict.fromkeys(channels))
        seen = dict.fromkeys(filter(self._client.visibility.allows_channel, wanted))
        refused = [channel for channel in wanted if channel not in seen]
        new = [channel for channel in seen if channel not in self._channels]
        if len(self._channels) + len(new) > self._limit:
            raise BadMessage(f"more than {self._limit} channels on one connection")
        answer: dict[str, Any] = {"type": "subscribed", "channels": list(seen)}
        return new, answer | ({"refused": refused} if refused else {})

    def _follow(self, *channels: str) -> None:
        self._channels.update(dict.fromkeys(channels))
        self._update_subscription()

    def _snapshot(self, channel: str, data: str) -> bytes:
        name = json.dumps(channel, ensure_ascii=False)
        return text_frame(
            f'{{"type":"snapshot","channel":{name},"cursor":"{self._hub.cursor}","data":{data}}}'
        )

    def _unsubscribe(self, channels: list[str]) -> None:
        for channel in channels:
            self._channels.pop(channel, None)
        self._update_subscription()
        self._say(type="unsubscribed", channels=channels)

    def _update_subscription(self) -> None:
        self._hub.subscribe(self._client, PUSH, self._channels)

    def _say(self, **values: Any) -> None:
        self._client.send(text_frame(json.dumps(values, ensure_ascii=False, separators=(",", ":"))))


class RawConversation:
    """A client of the raw protocol."""

    def __init__(self, hub: Hub, client: Client, channel: str) -> None:
        self._hub = hub
        self._client = client
        self._channel = channel

    async def start(self) -> None:
        """Subscribe to the channel."""
        self._hub.subscribe(self._client, RAW, [self._channel])

    async def receive(self, text: str) -> None:
        """Ignore the message: such clients were never listened to."""

    def send_error(self, message: str) -> None:
        """Send nothing: such clients get data only."""

    def visibility_changed(self) -> None:
        """Subscribe anew with what the account may see now."""
        self._hub.subscribe(self._client, RAW, [self._channel])
