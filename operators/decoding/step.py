"""The `decode` step: what devices and databases sent becomes readings and occurrences."""

from typing import Any, ClassVar, Literal

import msgspec
from pydantic import Field

from operators.component import Logic, Now, Operator, StepContext
from operators.decoding.dialects.catalogue import DIALECTS
from operators.decoding.dialects.generic import read as read_generic
from operators.decoding.dialects.home_assistant.recorder import table_row
from operators.decoding.offline_devices import Offline
from operators.decoding.payloads.base import IGNORE, Route
from operators.decoding.payloads.payload import (
    MAX_BYTES,
    Ignored,
    NotJSON,
    Refused,
    excerpt,
    loads,
    trimmed,
)
from operators.decoding.payloads.reading_builder import Sheet
from operators.events import DeadLetter, Event, Message, Row

Codec = Literal[
    "auto",
    "home_assistant_recorder",
    "home_assistant_statestream",
    "zigbee2mqtt",
    "esphome",
    "tasmota",
    "shelly",
    "frigate",
    "theengs",
    "victron",
    "ttn",
    "onvif",
    "pir_envelope",
    "envelope",
    "cloudevents",
    "senml",
    "json",
    "sparkplug_b",
]

_MAX_TOPICS = 8192
_CACHED_TOPIC = 512
_COMMANDS = frozenset(("set", "get", "command", "cmnd"))
_encode_row = msgspec.json.Encoder(enc_hook=repr).encode


class Decode(Operator):
    """Turns raw messages and database rows into readings and occurrences.

    `auto` finds the dialect by the topic, then by the shape of the payload:

    - `home_assistant_recorder`: rows of the table `states`; `home_assistant_statestream`: states
      over MQTT
    - `zigbee2mqtt`, `esphome`, `tasmota`, `shelly` (all generations), `victron` (Venus OS), `ttn`
      (The Things Stack)
    - `theengs`: Bluetooth through OpenMQTTGateway or Theengs Gateway
    - `frigate`, `onvif` (onvif2mqtt and Axis): cameras
    - `pir_envelope`: event_id, device_id, source, type, data, timestamp, also as the sensors'
      bridge posts it
    - `envelope`: the same messages, each as one occurrence whose data are the whole message, for
      passing it on; its time is that of receipt
    - `cloudevents`; `senml`
    - `json`: known keys of a JSON object, or a bare value on a topic that ends in a metric
    - `sparkplug_b`: recognised and set aside

    Numbers come out in one unit per metric
    (°C, %, hPa, W, kWh, V, A, …), two-state values as 1 and 0. What is no value (null, NaN,
    `unavailable`, out of its physical range) has quality `bad`; an old value replayed by the broker
    has `stale`, and so have the last values of a device that goes offline.

    What cannot be decoded goes to `NAME.errors` with its bytes and a reason: too_large (over 256
    KiB), not_utf8, bad_json, too_deep (over 32 levels), bad_shape, unsupported, undecoded,
    unresolved, unrecognised. Commands, logs and other messages without data are left out and
    counted as `ignored`. Events that are decoded already pass unchanged.
    """

    NAME: ClassVar[str] = "decode"
    SHORT: ClassVar[str | None] = "as"
    STATEFUL: ClassVar[bool] = True
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "decode: zigbee2mqtt",
        "decode: auto",
        "decode: {as: json, time: measured_at}",
    )

    as_: Codec = Field(
        "auto", alias="as", description="How the devices speak.", examples=["zigbee2mqtt", "auto"]
    )
    time: str | None = Field(
        None,
        description=(
            "Field of a JSON payload (`meta.ts` for a nested one) or column of a row that holds the"
            " event time: ISO 8601, or an epoch in s, ms or µs. Default: the field the dialect has"
            " for it, else the time of receipt."
        ),
        examples=["measured_at"],
        min_length=1,
    )

    def logic(self, context: StepContext) -> "DecodeLogic":
        return DecodeLogic(self, context)


class DecodeLogic(Logic):
    """Decodes for one shard; remembers the last readings of each device until it goes offline or
    falls silent.
    """

    def __init__(self, settings: Decode, context: StepContext) -> None:
        super().__init__()
        self._codec = settings.as_
        self._time = settings.time.split(".") if settings.time else None
        self._context = context
        self._routes: dict[str, Route] = {}
        self._offline = Offline()
        self._follow = settings.as_ != "home_assistant_recorder"

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        out: list[Event] = []
        zone = self._context.timezone
        for event in events:
            if event.__class__ is Message:
                sheet = Sheet(event.id, event.topic, event.time, event.retained, event.labels, zone)
            elif event.__class__ is Row:
                sheet = Sheet(event.id, event.table, event.time, False, event.labels, zone)
            else:
                out.append(event)
                continue
            sheet.pinned = self._context.arrival
            try:
                if isinstance(event, Message):
                    self._message(sheet, event)
                else:
                    self._row(sheet, event)
            except Ignored:
                self.count("ignored")
                continue
            except Refused as refusal:
                self._refuse(event, refusal.reason, refusal.detail)
                continue
            except (
                ArithmeticError,
                AttributeError,
                LookupError,
                TypeError,
                ValueError,
                RecursionError,
            ) as error:
                self.count("decoder_failed")
                self._refuse(
                    event,
                    "bad_shape",
                    f"this message made the decoder fail: {type(error).__name__}: {error}",
                )
                continue
            if sheet.skipped:
                self.count("unknown_keys", sheet.skipped)
            if not sheet.events:
                self.count("ignored")
                continue
            out += sheet.events
            if self._follow:
                for subject, covers, reading in sheet.offline:
                    out += self._offline.reissue(subject, covers, reading)
                self._offline.remember(sheet.events, sheet.received)
        return out

    def _message(self, sheet: Sheet, message: Message) -> None:
        payload = message.payload
        if len(payload) > MAX_BYTES:
            raise Refused("too_large", f"expected at most {MAX_BYTES} bytes; got {len(payload)}")
        route = self._routes.get(message.topic) or self._route(message.topic)
        if route.unsupported is not None:
            raise Refused("unsupported", route.unsupported)
        if route.read is None:
            raise Ignored
        body = trimmed(payload)
        if not body and not route.empty:
            raise Ignored
        data = self._parse(body, route.expects == "json") if body else None
        if self._time and data.__class__ is dict:
            self._pin(sheet, data)
        route.read(sheet, data)

    def _row(self, sheet: Sheet, row: Row) -> None:
        if self._time:
            self._pin(sheet, row.values)
        table_row(sheet, row.table, row.op, row.values)

    def _pin(self, sheet: Sheet, data: dict[str, Any]) -> None:
        found: Any = data
        for word in self._time or ():
            found = found.get(word) if found.__class__ is dict else None
        if found is not None:
            sheet.at(found)
            sheet.pinned = True

    @staticmethod
    def _parse(body: bytes, due: bool) -> Any:
        first = body[:1]
        opens = first in (b"{", b"[")
        if due or opens or first == b'"' or body == b"null":
            try:
                return loads(body)
            except NotJSON as error:
                if due or opens:
                    text = excerpt(body.decode())
                    raise Refused(
                        "bad_json", f"expected one JSON value; got {text} ({error})"
                    ) from None
        return body.decode()

    def _route(self, topic: str) -> Route:
        route = self._find(topic)
        if len(topic) <= _CACHED_TOPIC:
            if len(self._routes) >= _MAX_TOPICS:
                self._routes.clear()
            self._routes[topic] = route
        return route

    def _find(self, topic: str) -> Route:
        if self._codec == "json":
            return Route(read_generic)
        if self._codec != "auto":
            dialect = DIALECTS[self._codec]
            return dialect.route(topic, True) or Route(dialect.read, "json")
        for dialect in DIALECTS.values():
            if (route := dialect.route(topic, False)) is not None:
                return route
        return (
            IGNORE if topic.rpartition("/")[2] in _COMMANDS and "/" in topic else Route(_by_shape)
        )

    def _refuse(self, event: Message | Row, reason: str, detail: str) -> None:
        self.count(reason)
        self.errors.append(
            DeadLetter(
                id=event.id,
                time=event.time,
                flow=self._context.flow,
                step=self._context.step,
                reason=reason,
                detail=detail,
                origin=event.topic if isinstance(event, Message) else event.table,
                payload=event.payload if isinstance(event, Message) else _encode_row(event.values),
                holds="bytes" if isinstance(event, Message) else "row",
                retained=isinstance(event, Message) and event.retained,
                redelivered=isinstance(event, Message) and event.redelivered,
                labels=event.labels,
            )
        )

    def snapshot(self) -> object:
        return self._offline.snapshot()

    def restore(self, state: object, version: int) -> None:
        self._offline.restore(state)


def _by_shape(sheet: Sheet, data: Any) -> None:
    if data.__class__ is dict or data.__class__ is list:
        for dialect in DIALECTS.values():
            if dialect.fits(data):
                dialect.read(sheet, data)
                return
    read_generic(sheet, data)
