"""What the feed hands to the hub: one event of one channel, with its JSON, encoded once for everybody."""

from collections.abc import Callable, Hashable
from typing import Any

import msgspec

from operators.events import AlarmTransition, Reading, decode_lines

READINGS = "readings"
ALARMS = "alarms"


class PushRecord(msgspec.Struct, frozen=True):
    """One line of the push topic. `data` is kept as the bytes the flow wrote."""

    channel: str
    id: str
    time: float
    subject: str
    data: msgspec.Raw
    sink: str = ""
    flow: str = ""
    shaped: bool = False
    first: str = "snapshot"


class Update:
    """One event on its way to the clients of `channel`.

    `data` is the event's JSON. Updates with equal `state_key` replace each other while a client lags; None means that
    each one counts. `live` is False for what was in the topic before the api started: it is remembered, not pushed.
    New subscribers of the channel get the last update of each `origin` first; None if the flow does not want that.
    """

    __slots__ = ("_frames", "channel", "data", "event", "live", "origin", "shaped", "state_key", "subject")

    def __init__(
        self,
        channel: str,
        data: str,
        *,
        event: Reading | AlarmTransition | None = None,
        state_key: Hashable | None = None,
        subject: str = "",
        origin: str | None = None,
        shaped: bool = False,
        live: bool = True,
    ) -> None:
        self.channel = channel
        self.data = data
        self.event = event
        self.state_key = state_key
        self.subject = subject
        self.origin = origin
        self.shaped = shaped
        self.live = live
        self._frames: dict[str, str | None] = {}

    def frame(self, dialect: str, encode: Callable[["Update"], str | None]) -> str | None:
        """The text a dialect sends for this update, made once however many clients speak it."""
        if dialect not in self._frames:
            self._frames[dialect] = encode(self)
        return self._frames[dialect]


_push = msgspec.json.Decoder(PushRecord).decode


def from_push(value: bytes, live: bool) -> list[Update]:
    """Updates of one record of the push topic; raises `msgspec.MsgspecError`."""
    records = [_push(line) for line in _lines(value)]
    return [
        Update(
            record.channel,
            bytes(record.data).decode(),
            subject=record.subject,
            origin=f"{record.flow}/{record.sink}/{record.subject}" if record.first == "snapshot" else None,
            shaped=record.shaped,
            live=live,
        )
        for record in records
    ]


def from_events(value: bytes, live: bool) -> list[Update]:
    """Updates of one record of a topic of events: readings and alarm transitions; raises `msgspec.MsgspecError`."""
    updates: list[Update] = []
    for line, event in zip(_lines(value), decode_lines(value), strict=True):
        if isinstance(event, Reading):
            key = (READINGS, event.subject, event.metric)
            text = line.decode() if event.quality != "good" else f'{line.decode().rstrip()[:-1]},"quality":"good"}}'
            updates.append(Update(READINGS, text, event=event, state_key=key, subject=event.subject, live=live))
        elif isinstance(event, AlarmTransition):
            data = msgspec.json.encode(plain(event)).decode()
            updates.append(Update(ALARMS, data, event=event, subject=event.subject, live=live))
    return updates


def plain(event: Reading | AlarmTransition) -> dict[str, Any]:
    """The event as plain JSON values, with the defaults that topics leave out, without what is not known."""
    values = {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}
    return {"kind": event.__struct_config__.tag, **values}


def _lines(value: bytes) -> list[bytes]:
    return [line for line in value.split(b"\n") if line.strip()]
