"""What is said on a connection: the same updates in the words of each kind of client."""

import json
from typing import Any, Protocol

from api.hub import Hub, Outbox
from api.updates import Update


class Refused(Exception):
    """The client said something that this dialect does not know; the message is for whoever writes the client."""


class Dialect(Protocol):
    """How one connection speaks. `name` marks frames that all its speakers share."""

    name: str

    def encode(self, update: Update) -> str | None:
        """The text for one update, None if this dialect does not carry it."""

    def start(self, outbox: Outbox) -> None:
        """Called once the client is known."""

    def hear(self, text: str, outbox: Outbox) -> None:
        """Act on a message of the client; raises `Refused`."""


class Push:
    """Vigie's own dialect.

    The client says `subscribe`, `unsubscribe`, `ping`; it hears `ready`, `subscribed`, `snapshot`, `event`, `error`.
    """

    name = "push"

    def __init__(self, hub: Hub, may_see: Any, limit: int) -> None:
        self._hub = hub
        self._may_see = may_see
        self._limit = limit
        self._channels: set[str] = set()

    def encode(self, update: Update) -> str:
        channel = json.dumps(update.channel, ensure_ascii=False)
        return f'{{"type":"event","channel":{channel},"data":{update.data}}}'

    def start(self, outbox: Outbox) -> None:
        outbox.put_text(_message(type="ready"))

    def hear(self, text: str, outbox: Outbox) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            raise Refused('not JSON; write {"type":"subscribe","channels":["readings","alarms"]}') from None
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "ping":
            outbox.put_text(_message(type="pong"))
            return
        if kind not in ("subscribe", "unsubscribe"):
            raise Refused(f"type is {kind!r}; this server knows subscribe, unsubscribe and ping")
        channels = message.get("channels")
        if not isinstance(channels, list) or not all(isinstance(c, str) and 0 < len(c) <= 200 for c in channels):
            raise Refused('channels must be a list of names, such as ["readings","alarms"]')
        if kind == "subscribe":
            self._subscribe(channels, outbox)
        else:
            self._unsubscribe(channels, outbox)

    def _subscribe(self, channels: list[str], outbox: Outbox) -> None:
        wanted = list(dict.fromkeys(channels))
        refused = [channel for channel in wanted if not self._may_see(channel)]
        new = [channel for channel in wanted if channel not in refused and channel not in self._channels]
        if len(self._channels) + len(new) > self._limit:
            raise Refused(f"more than {self._limit} channels on one connection")
        self._channels.update(new)
        answer: dict[str, Any] = {"type": "subscribed", "channels": [c for c in wanted if c not in refused]}
        outbox.put_text(_message(**answer, **({"refused": refused} if refused else {})))
        for channel in new:
            self._hub.subscribe(outbox, channel)
            name = json.dumps(channel, ensure_ascii=False)
            outbox.put_text(f'{{"type":"snapshot","channel":{name},"data":{self._hub.snapshot(channel)}}}')

    def _unsubscribe(self, channels: list[str], outbox: Outbox) -> None:
        for channel in channels:
            self._channels.discard(channel)
            self._hub.unsubscribe(outbox, channel)
        outbox.put_text(_message(type="unsubscribed", channels=channels))


class Raw:
    """The server-room monitor's dialect: the shaped data of one channel, one text a change; the client says nothing."""

    name = "raw"

    def __init__(self, hub: Hub, channel: str) -> None:
        self._hub = hub
        self._channel = channel

    def encode(self, update: Update) -> str | None:
        return json.dumps(json.loads(update.data), ensure_ascii=False) if update.shaped else None

    def start(self, outbox: Outbox) -> None:
        self._hub.subscribe(outbox, self._channel)

    def hear(self, text: str, outbox: Outbox) -> None:
        """What such a client sends was never read; it is not read now."""


def _message(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
