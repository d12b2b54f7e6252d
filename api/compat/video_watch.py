"""The protocol of the former video watch: the client subscribes and gets `{"type","data"}`."""

import json
from collections.abc import Callable

import msgspec

from api.permissions.visibility import CAMERA
from api.push.client import Client
from api.push.frames import text_frame
from api.push.hub import Hub
from api.push.protocol import BadMessage, names_of, read_message
from api.push.updates import ALARMS, Update, kind_of
from api.site.event_view import of_event
from operators.events import Detection, Event, Occurrence

NEW_EVENT = "new_event"
TYPES = {
    "frame": "frame_update",
    "alarm": "system_alert",
    "camera": "status_change",
    "mode": "status_change",
    "acknowledged": "status_change",
}
"""The type of a message by the kind of its data; of everything else it is `new_event`."""
ALIASES = {"system": ALARMS, "system_alerts": ALARMS, "alerts": ALARMS}
_event = msgspec.json.Decoder(Event).decode


class VideoWatchProtocol:
    """Updates as messages of the video watch, each once however many channels carry it."""

    name = "video_watch"
    deduplicates = True

    def __init__(self, camera_name: Callable[[str], str | None]) -> None:
        """`camera_name` gives the name of the camera with a number or an id."""
        self._camera_name = camera_name

    def choose(self, channels: list[str]) -> list[str]:
        """The hub's channels for those of a client.

        `camera_1` is the camera with this number, this id or this name.
        """
        chosen: dict[str, None] = {}
        for channel in channels:
            chosen[ALIASES.get(channel, channel)] = None
            if channel.startswith(CAMERA):
                name = self._camera_name(channel.removeprefix(CAMERA))
                if name is not None:
                    chosen[f"{CAMERA}{name}"] = None
        return list(chosen)

    def encode(self, update: Update) -> bytes:
        """The frame of an update."""
        try:
            kind = "alarm" if update.channel == ALARMS else kind_of(update.data).kind
        except (msgspec.DecodeError, RecursionError):
            kind = ""  # shaped data that are no object, or whose kind is no text
        data = update.data
        if kind in ("occurrence", "detection"):
            data = _as_shown(data)
        return text_frame(f'{{"type":"{TYPES.get(kind, NEW_EVENT)}","data":{data}}}')


def _as_shown(data: str) -> str:
    """An event in the form of `GET /api/events`; shaped data that are no event stay as they are."""
    try:
        event = _event(data)
    except (msgspec.DecodeError, RecursionError):
        return data
    return (
        msgspec.json.encode(of_event(event)).decode()
        if isinstance(event, Occurrence | Detection)
        else data
    )


class VideoWatchConversation:
    """A client of the video watch."""

    def __init__(self, hub: Hub, client: Client, protocol: VideoWatchProtocol, limit: int) -> None:
        """`limit` is the most channels."""
        self._hub = hub
        self._client = client
        self._protocol = protocol
        self._limit = limit
        self._asked: dict[str, None] = {}

    async def start(self) -> None:
        """Wait: the client begins by subscribing."""

    async def receive(self, text: str) -> None:
        """Subscribe, unsubscribe, or answer a ping. Raises `BadMessage`."""
        message = read_message(text, '{"type":"subscribe","channels":["camera_1","events"]}')
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "ping":
            self._say("pong")
            return
        if kind not in ("subscribe", "unsubscribe"):
            raise BadMessage(
                f"type is {repr(kind)[:42]}; this server knows subscribe, unsubscribe and ping"
            )
        channels = names_of(self._client, message, self._limit)
        if kind == "unsubscribe":
            for channel in channels:
                self._asked.pop(channel, None)
        else:
            self._subscribe(channels)
        self._update_subscription()
        self._say(f"{kind}d", channels=channels)

    def send_error(self, message: str) -> None:
        """Tell the client why its message was refused."""
        self._say("error", message=message)

    def visibility_changed(self) -> None:
        """Subscribe anew with what the account may see now."""
        self._update_subscription()

    def _subscribe(self, channels: list[str]) -> None:
        unseen = [
            channel for channel in channels if not self._client.visibility.allows_channel(channel)
        ]
        if unseen:
            raise BadMessage(f"this account may not see {unseen[0]!r}")
        asked = self._asked | dict.fromkeys(channels)
        if len(asked) > self._limit:
            raise BadMessage(f"more than {self._limit} channels on one connection")
        self._asked = asked

    def _update_subscription(self) -> None:
        self._hub.subscribe(self._client, self._protocol, self._protocol.choose(list(self._asked)))

    def _say(self, kind: str, **values: object) -> None:
        self._client.send(text_frame(json.dumps({"type": kind, **values}, ensure_ascii=False)))
