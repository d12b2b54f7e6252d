"""Updates: one event of one channel with its JSON, encoded once for everybody."""

from collections.abc import Hashable, Mapping
from typing import Any, Protocol

import msgspec

from api.permissions.private_rules import hide_private
from api.permissions.visibility import CAMERA
from api.push.cursor import BEGINNING, Position
from api.push.send_buffer import LatestOnly
from connectors.kafka.push_record import PushRecord
from operators.events import AlarmTransition, Detection, Event, Occurrence, Reading, decode_lines

READINGS = "readings"
ALARMS = "alarms"
EVENTS = "events"
EVIDENCE = "evidence"


_OF_EVIDENCE = (("event", "event"), ("evidence", "kind"), ("state", "state"), ("camera", "camera"))


class Kind(msgspec.Struct):
    """The `kind` that shaped data have."""

    kind: str = ""


class Labelled(msgspec.Struct):
    """The `labels` that events have."""

    labels: dict[str, str] = {}


class ClientProtocol(Protocol):
    """How updates are encoded for one kind of client.

    `name` marks the frames that all of them share. Where it `deduplicates`, an event that goes to
    several channels of a client is written to it once.
    """

    name: str
    deduplicates: bool

    def encode(self, update: "Update") -> bytes | None:
        """The frame of one update; None if the protocol does not carry it."""


class Update:
    """One event on its way to the clients of `channel`.

    `data` is the event's JSON, of the `time` in epoch seconds. `page` is the page of an alarm, or
    the label `page` of what a camera saw: only those get it who may see that page. What has none is
    as visible as its subject and its `camera`. `dedup_key` is equal for every copy of the same
    record; `event_key` for the same event on other channels. Updates with equal `state_key` replace
    each other while a client lags; with None each one counts. `live` is False for what was in the
    topic before the api started: it is remembered, not pushed. New subscribers of the channel get
    the last update of each `origin` first; None if the flow does not want that. The update was read
    from `partition` before the position `next`; `cursor` is that of a client that has got it. One
    that is followed has the `trace` of its event, and counts the clients that it `reached`.
    """

    __slots__ = (
        "_frames",
        "camera",
        "channel",
        "cursor",
        "data",
        "dedup_key",
        "event",
        "event_key",
        "live",
        "next",
        "origin",
        "page",
        "partition",
        "reached",
        "shaped",
        "state_key",
        "subject",
        "time",
        "trace",
    )

    def __init__(
        self,
        channel: str,
        data: str,
        *,
        event: Event | None = None,
        state_key: Hashable | None = None,
        subject: str = "",
        origin: str | None = None,
        page: str | None = None,
        camera: str | None = None,
        time: float = 0.0,
        dedup_key: Hashable | None = None,
        event_key: Hashable | None = None,
        shaped: bool = False,
        live: bool = True,
        trace: str | None = None,
    ) -> None:
        self.channel = channel
        self.data = data
        self.event = event
        self.state_key = state_key
        self.subject = subject
        self.origin = origin
        self.page = page
        self.camera = camera
        self.time = time
        self.dedup_key = dedup_key
        self.event_key = event_key
        self.shaped = shaped
        self.live = live
        self.trace = trace if event is None else event.trace
        self.reached = 0
        self.partition = ""
        self.next = BEGINNING
        self.cursor = ""
        self._frames: dict[str, bytes | None] = {}

    @property
    def is_picture(self) -> bool:
        """Whether it is a camera's picture."""
        return isinstance(self.state_key, LatestOnly)

    def set_position(self, partition: str, position: Position) -> None:
        """Set where it was read, and the position after it."""
        self.partition = partition
        self.next = position

    def frame(self, protocol: ClientProtocol) -> bytes | None:
        """The frame of this update in a protocol, encoded once however many clients speak it."""
        if protocol.name not in self._frames:
            self._frames[protocol.name] = protocol.encode(self)
        return self._frames[protocol.name]


_push = msgspec.json.Decoder(PushRecord[msgspec.Raw]).decode
_labelled = msgspec.json.Decoder(Labelled).decode
kind_of = msgspec.json.Decoder(Kind).decode


def from_push(value: bytes, live: bool) -> list[Update]:
    """Updates of one record of the push topic. Raises `msgspec.MsgspecError`."""
    try:
        value.decode()
        records = [_push(line) for line in _lines(value)]
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None
    return [_pushed(record, live) for record in records]


def _pushed(record: PushRecord[msgspec.Raw], live: bool) -> Update:
    data = bytes(record.data)
    labels = _labels_in(data) if not record.shaped else {}
    page = record.page if isinstance(record.page, str) else labels.get("page")
    camera = record.camera if isinstance(record.camera, str) else labels.get("camera")
    on_camera = record.channel.startswith(CAMERA)
    return Update(
        record.channel,
        data.decode(),
        subject=record.subject,
        page=page,
        camera=record.channel[len(CAMERA) :] if on_camera else camera,
        time=record.time,
        origin=(
            f"{record.flow}/{record.sink}/{record.subject}"
            if record.first in ("snapshot", msgspec.UNSET)
            else None
        ),
        dedup_key=(record.channel, record.flow, record.sink, record.id),
        event_key=(record.flow, record.sink, record.id),
        shaped=record.shaped,
        live=live,
        state_key=LatestOnly(record.channel, record.subject) if _is_picture(record) else None,
        trace=record.trace or None,
    )


def _labels_in(data: bytes) -> Mapping[str, str]:
    """The labels of an event as JSON; none where it has none as they should be."""
    if b'"labels"' not in data:
        return {}
    try:
        return _labelled(data).labels
    except msgspec.DecodeError:
        return {}


def _is_picture(record: PushRecord[msgspec.Raw]) -> bool:
    """Whether it is a camera's picture: `{"kind": "frame", …}` on the channel `camera_NAME`."""
    if not record.channel.startswith(CAMERA):
        return False
    try:
        return kind_of(record.data).kind == "frame"
    except msgspec.DecodeError:
        return False


def from_events(value: bytes, live: bool) -> list[Update]:
    """Updates of one record of readings and alarm transitions. Raises `msgspec.MsgspecError`."""
    updates: list[Update] = []
    for line, event in zip(_lines(value), decode_lines(value), strict=True):
        if isinstance(event, Reading):
            key = (READINGS, event.subject, event.metric)
            text = (
                line.decode()
                if event.quality != "good"
                else f'{line.decode().rstrip()[:-1]},"quality":"good"}}'
            )
            dedup_key = (event.id, event.subject, event.metric)
            updates.append(
                Update(
                    READINGS,
                    text,
                    event=event,
                    dedup_key=dedup_key,
                    state_key=key,
                    subject=event.subject,
                    page=event.labels.get("page"),
                    camera=event.labels.get("camera"),
                    live=live,
                )
            )
        elif isinstance(event, AlarmTransition):
            page = hide_private(event).page or event.labels.get("page")
            data = msgspec.json.encode(plain(event)).decode()
            updates.append(
                Update(
                    ALARMS,
                    data,
                    event=event,
                    dedup_key=event.id,
                    subject=event.subject,
                    page=page,
                    camera=event.labels.get("camera"),
                    live=live,
                )
            )
    return updates


def from_site_events(value: bytes, live: bool) -> list[Update]:
    """Updates of one record of occurrences and detections. Raises `msgspec.MsgspecError`."""
    return [
        Update(
            EVENTS,
            line.decode().rstrip(),
            event=event,
            dedup_key=(EVENTS, event.id),
            subject=event.subject,
            page=event.labels.get("page"),
            camera=event.labels.get("camera"),
            live=live,
        )
        for line, event in zip(_lines(value), decode_lines(value), strict=True)
        if isinstance(event, Occurrence | Detection)
    ]


def from_evidence(value: bytes, live: bool) -> list[Update]:
    """Updates of one record of evidence: which event has some now, or has lost it.

    Where it is kept is nobody's business here. Raises `msgspec.MsgspecError`.
    """
    return [
        Update(
            EVIDENCE,
            msgspec.json.encode(
                {"kind": EVIDENCE, "subject": event.subject, "time": event.time}
                | {name: event.data.get(said) for name, said in _OF_EVIDENCE}
            ).decode(),
            subject=event.subject,
            page=event.labels.get("page"),
            camera=event.data.get("camera"),
            time=event.time,
            dedup_key=(EVIDENCE, event.id, event.data.get("state")),
            live=live,
        )
        for event in decode_lines(value)
        if isinstance(event, Occurrence)
    ]


def plain(event: Reading | AlarmTransition) -> dict[str, Any]:
    """The event as plain JSON values, with the defaults that topics leave out, without nulls."""
    values = {
        name: value for name, value in msgspec.structs.asdict(event).items() if value is not None
    }
    return {"kind": event.__struct_config__.tag, **values}


def _lines(value: bytes) -> list[bytes]:
    return [line for line in value.split(b"\n") if line.strip()]
