"""Decoding of messages and rows: finds the dialect, bounds the work, sets aside what fails."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from operators.columnar.lazy_rows import LazyRows
from operators.component import Logic, Now, StepContext
from operators.decoding.catalogue import built_in
from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.dialects.home_assistant_recorder import (
    plain_number,
    table_row,
    with_plain_numbers,
)
from operators.decoding.dialects.zigbee2mqtt_exposes import Described, Property
from operators.decoding.offline_devices import OfflineDevices
from operators.decoding.payloads.parse import (
    Ignored,
    NotJSON,
    Undecodable,
    excerpt,
    loads,
    trimmed,
)
from operators.decoding.payloads.reading_builder import ReadingBuilder
from operators.decoding.recognition import by_shape, by_topic
from operators.decoding.whole_hours import LEAST, WholeHours
from operators.events import DeadLetter, Event, Message, Row

_MAX_TOPICS = 8192
_CACHED_TOPIC = 512
_COMMANDS = frozenset(("set", "get", "command", "cmnd"))
_OF_BROKER = "$SYS/"
"""What the broker says of itself."""
_encode_row = msgspec.json.Encoder(enc_hook=repr).encode


class DecodeLogic(Logic):
    """Decodes by one dialect, or by the one that fits (`auto`).

    `time` is the path to the field that holds the event time, empty for the dialect's own. State is
    the last readings of each device until it goes offline or falls silent, and what gateways said
    of their devices.
    """

    VERSION: ClassVar[int] = 2

    def __init__(self, codec: str, time: Sequence[str], context: StepContext) -> None:
        super().__init__()
        self._codec = codec
        self._time = tuple(time)
        self._context = context
        self._routes: dict[str, Route] = {}
        self._offline = OfflineDevices()
        self._described: Described = {}
        self._whole_hours = WholeHours()
        self._reads_states = codec == "home_assistant_recorder"
        self._marks_stale = not self._reads_states and codec != "debezium"

    def on_batch(self, events: Sequence[Event], now: Now) -> list[Event]:
        """Decode messages and rows; events that are decoded already pass."""
        out: list[Event] = []
        zone, described = self._context.timezone, self._described
        may_be_plain = self._reads_states and not (self._time or self._context.arrival)
        if may_be_plain and isinstance(events, LazyRows):
            events = with_plain_numbers(events)
        for event in events:
            if event.__class__ is Message:
                builder = ReadingBuilder(
                    event.id, event.topic, event.time, event.retained, event.labels, zone, described
                )
            elif event.__class__ is Row:
                if may_be_plain and (reading := plain_number(event)) is not None:
                    out.append(reading)
                    continue
                builder = ReadingBuilder(
                    event.id, event.table, event.time, False, event.labels, zone
                )
            else:
                out.append(event)
                continue
            builder.time_is_fixed = self._context.arrival
            try:
                if isinstance(event, Message):
                    self._message(builder, event)
                else:
                    self._row(builder, event)
            except Ignored:
                self.count("ignored")
                continue
            except Undecodable as error:
                self._set_aside(event, error.reason, error.detail)
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
                self._set_aside(
                    event,
                    "bad_shape",
                    f"this message made the decoder fail: {type(error).__name__}: {error}",
                )
                continue
            if builder.skipped:
                self.count("unknown_keys", builder.skipped)
            if not builder.events:
                self.count("ignored")
                continue
            out += builder.events
            if self._marks_stale:
                if builder.time != builder.received and not builder.retained:
                    self._look_at_clock(builder)
                for subject, covers, reading in builder.offline:
                    out += self._offline.reissue(subject, covers, reading)
                self._offline.remember(builder.events, builder.received)
        return out

    def _look_at_clock(self, builder: ReadingBuilder) -> None:
        late = builder.received - builder.time
        if self._context.run or (-LEAST < late < LEAST and self._whole_hours.suspects_nobody):
            return
        first: Any = builder.events[0]
        note = self._whole_hours.note(first.subject.partition("#")[0], late)
        if note is not None:
            self.count("hours_off")
            self.notes.append(note)

    def _message(self, builder: ReadingBuilder, message: Message) -> None:
        payload = message.payload
        route = self._routes.get(message.topic) or self._route(message.topic)
        if len(payload) > route.largest:
            raise Undecodable(
                "too_large", f"expected at most {route.largest} bytes; got {len(payload)}"
            )
        if route.unsupported is not None:
            raise Undecodable("unsupported", route.unsupported)
        if route.read is None:
            raise Ignored
        if route.expects == "bytes":
            route.read(builder, payload)
            return
        body = trimmed(payload)
        if not body and not route.empty:
            raise Ignored
        data = self._parse(body, route.expects == "json") if body else None
        if self._time and data.__class__ is dict:
            self._fix_time(builder, data)
        route.read(builder, data)

    def _row(self, builder: ReadingBuilder, row: Row) -> None:
        if self._time:
            self._fix_time(builder, row.values)
        table_row(builder, row.table, row.op, row.values)

    def _fix_time(self, builder: ReadingBuilder, data: dict[str, Any]) -> None:
        found: Any = data
        for key in self._time:
            found = found.get(key) if found.__class__ is dict else None
        if found is not None:
            builder.set_time(found)
            builder.time_is_fixed = True

    @staticmethod
    def _parse(body: bytes, must_be_json: bool) -> Any:
        first = body[:1]
        opens = first in (b"{", b"[")
        if must_be_json or opens or first == b'"' or body == b"null":
            try:
                return loads(body)
            except NotJSON as error:
                if must_be_json or opens:
                    text = excerpt(body.decode())
                    raise Undecodable(
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
        own: Mapping[str, Dialect] = self._context.dialects
        if self._codec != "auto":
            dialect = own.get(self._codec) or built_in(self._codec)
            return dialect.route(topic, True) or Route(dialect.read, "json")
        for dialect in own.values():
            if (route := dialect.route(topic, False)) is not None:
                return route
        if (found := by_topic(topic)) is not None:
            return found[1]
        if topic.startswith(_OF_BROKER) or ("/" in topic and topic.rpartition("/")[2] in _COMMANDS):
            return IGNORE
        return Route(_by_shape)

    def _set_aside(self, event: Message | Row, reason: str, detail: str) -> None:
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
        """Return the last readings of each device, and what is known of devices."""
        return self._offline.snapshot(), dict(self._described)

    def restore(self, state: Any, version: int) -> None:
        """Take back what `snapshot` returned; before version 2 no device was described."""
        offline, described = (state, {}) if version == 1 else state
        self._offline.restore(offline)
        self._described.clear()
        for topic, properties in described.items():
            self._described[topic] = {key: Property(*it) for key, it in properties.items()}


def _by_shape(builder: ReadingBuilder, data: Any) -> None:
    built_in(by_shape(data)).read(builder, data)
