"""The vocabulary: everything that travels through a flow or a topic, and its JSON lines.

Times are seconds since 1970-01-01 UTC, as float64 (better than 1 µs until 2100). Every event has a
deterministic `id`, so that a sink can make a second delivery of the same event invisible. One that
is followed has in `trace` the W3C `traceparent` of the span that made it.

    Message     a payload as a device sent it, before `decode`
    Row         a database row change, before `decode`
    Reading     the state of one metric of one subject
    Summary     statistics of one signal over one window
    Occurrence  something that happened: a button press, a review, a correlation
    Frame       one camera picture
    Detection   one object seen on a frame
    AlarmTransition  one step in the life of one alarm
    DeadLetter  what could not be processed, with its bytes and the reason
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec

Time = Annotated[float, msgspec.Meta(ge=-62_135_596_800.0, le=253_402_300_799.0)]
"""Epoch seconds in the years 1 to 9999, which is what can be written as a date; checked when
events are decoded.
"""
Subject = Annotated[str, msgspec.Meta(min_length=1)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Quality = Literal["good", "stale", "bad"]
Severity = Literal["info", "warning", "major", "critical"]
Annunciation = Literal["start", "again", "end"]


class Message(
    msgspec.Struct, tag="message", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """A payload as it was received, before any decoding.

    `time` is the time of receipt; `payload` is base64 on the wire; `retained` marks a value the
    broker had stored, `redelivered` one it may have sent before.
    """

    id: str
    time: Time
    topic: Subject
    payload: bytes = b""
    retained: bool = False
    redelivered: bool = False
    labels: dict[str, str] = {}
    trace: str | None = None


class Row(msgspec.Struct, tag="row", tag_field="kind", omit_defaults=True, kw_only=True, gc=False):
    """One row change of a database table.

    `table` is `schema.table`; `values` are the columns by name after the change (before it, for a
    delete); `time` is the commit time of the transaction. `snapshot` marks a row as the table held
    it when a flow began.
    """

    id: str
    time: Time
    table: str
    op: Literal["insert", "update", "delete"]
    values: dict[str, Any]
    labels: dict[str, str] = {}
    snapshot: bool = False
    trace: str | None = None


class Reading(
    msgspec.Struct, tag="reading", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """The state of one metric of one subject at `time`.

    `value` is a number in `unit`; two-state metrics use 1.0 and 0.0. `text` is the state where it
    has no number. Quality `bad` means "not data" (`value` is None or out of its physical range),
    `stale` an old value replayed. `raw` is the state to the letter as the source wrote it, where
    the source has such a text.
    """

    id: str
    time: Time
    subject: Subject
    metric: str
    value: float | None = None
    text: str | None = None
    unit: str | None = None
    quality: Quality = "good"
    labels: dict[str, str] = {}
    topic: str | None = None
    raw: str | None = None
    trace: str | None = None


class Summary(
    msgspec.Struct, tag="summary", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """Statistics of one signal over the window [`start`, `time`), in `unit` (`count` has none)."""

    id: str
    time: Time
    start: Time
    subject: Subject
    metric: str
    values: dict[str, float]
    unit: str | None = None
    quality: Quality = "good"
    labels: dict[str, str] = {}
    trace: str | None = None


class Occurrence(
    msgspec.Struct, tag="occurrence", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """Something that happened to `subject` at `time`; an empty one is all that it may concern.

    `type` is in lower_snake_case, `data` as the source gave it.
    """

    id: str
    time: Time
    subject: str
    type: str
    data: dict[str, Any] = {}
    source: str | None = None
    topic: str | None = None
    labels: dict[str, str] = {}
    trace: str | None = None


class Seen(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One object that a detector found on a picture.

    `box` is (left, top, width, height) as fractions of the picture, 0 to 1; `score` is 0 to 1.
    """

    class_: str = msgspec.field(name="class")
    score: Fraction = 1.0
    box: tuple[Fraction, Fraction, Fraction, Fraction] = (0.4, 0.4, 0.2, 0.2)


class Frame(
    msgspec.Struct, tag="frame", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """One picture of camera `subject`, `width` x `height` pixels.

    `seen` is what the detector found on it; None if it did not look. `moving` says whether
    something moved on it. `picture` is where its JPEG is, `TOPIC/PARTITION/OFFSET`; `jpeg` holds
    the bytes themselves where they travel with the event. With `over` it is no picture, and says
    that no more come since people stopped or removed the camera.
    """

    id: str
    time: Time
    subject: Subject
    width: int
    height: int
    jpeg: bytes = b""
    moving: bool = True
    over: bool = False
    seen: list[Seen] | None = None
    picture: str | None = None
    labels: dict[str, str] = {}
    trace: str | None = None


class Detection(
    msgspec.Struct, tag="detection", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """One object on a frame of camera `subject`.

    `box` is (left, top, width, height) as fractions of the picture, 0 to 1; `score` is 0 to 1.
    `frame` is the frame's id, `picture` where its JPEG is, `TOPIC/PARTITION/OFFSET`. `still` says
    that it has not moved for ten seconds, so that no more is heard of it until it does. `line` is
    the line that it crossed, `direction` to which side, looking along the line.
    """

    id: str
    time: Time
    subject: Subject
    class_: str = msgspec.field(name="class")
    score: float
    box: tuple[float, float, float, float]
    track: str | None = None
    phase: str | None = None
    in_zone: str | None = None
    line: str | None = None
    direction: Literal["left", "right"] | None = None
    still: bool = False
    frame: str | None = None
    picture: str | None = None
    labels: dict[str, str] = {}
    trace: str | None = None


class Announced(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """What people were told of an alarm, where it differs from the change that carries it."""

    priority: str | msgspec.UnsetType = msgspec.UNSET
    metric: str | msgspec.UnsetType | None = msgspec.UNSET
    labels: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    value: float | str | bool | msgspec.UnsetType | None = msgspec.UNSET
    unit: str | msgspec.UnsetType | None = msgspec.UNSET
    alarm: str | msgspec.UnsetType = msgspec.UNSET


class AlarmTransition(
    msgspec.Struct, tag="alarm", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """One step in the life of the alarm (`rule`, `subject`), after ISA-18.2 and OPC UA Part 9.

    `id` is the first 32 hex digits of sha256(run|rule|subject|occ|seq). `time` is the instant the
    change took effect (a timer's exact deadline), `recorded` the time of the record that caused it.
    `event` is the engine's word (activated, returned, acked, …), `change` and `state` the words
    definitions use. `flags` are the non-default flags after the change, `isa` the derived letter A
    to G. `value` is what was judged, in `unit`; `limit` the limit that was crossed.

    `annunciation` is what people are told by it: the `start` of an occurrence, once nothing masks
    it; that it stands `again` (escalated, repeated, after a mask); its `end`, if they were told of
    its start. `annunciate` says that it is one of the first two. `since` is when the occurrence
    began, `told` as what people were told of it, where that differs from this change (once only the
    priorities; an empty one where what it is now counts beside them), `first_value` what was judged
    at its start, `condition_text` what the rule asks; `link` opens the alarm on the page, in what
    people are sent.
    """

    id: str
    time: Time
    recorded: Time
    rule: str
    alarm: str
    subject: str
    occ: int
    seq: int
    event: str
    change: str
    state: str
    isa: str
    flags: list[str] = []
    before: list[str] = []
    severity: Severity = "warning"
    # always written: a factory's default is not left out
    priority: str = msgspec.field(default_factory=lambda: "medium")
    value: float | str | bool | None = None
    unit: str | None = None
    limit: float | None = None
    reason: str | None = None
    annunciate: bool = False
    rule_hash: str = ""
    metric: str | None = None
    page: str | None = None
    message: str | None = None
    response: str | None = None
    labels: dict[str, str] = {}
    evidence: dict[str, Any] = {}
    user: str | None = None
    comment: str | None = None
    until: Time | None = None
    run: str | None = None
    annunciation: Annunciation | None = None
    since: Time | None = None
    first_value: float | str | bool | None = None
    condition_text: str | None = None
    link: str | None = None
    told: list[Announced | str] = []
    trace: str | None = None


class DeadLetter(
    msgspec.Struct, tag="dead_letter", tag_field="kind", omit_defaults=True, kw_only=True, gc=False
):
    """What could not be processed: its bytes, where it came from, and why.

    `reason` is one word (bad_json, unresolved, …), `detail` a sentence; `origin` names the topic,
    table or sink; `step` the step that refused it, `source` the source of the flow by which it came
    in, where that is known.

    `holds` says what `payload` is: `bytes` as they came in (then `id`, `time`, `retained`,
    `redelivered` and `labels` are those of the message), `row` the values of a table's row as JSON,
    `events` one or several events as JSON lines. `cut` marks a letter of whose payload or other
    texts only the beginning was kept.
    """

    id: str
    time: Time
    flow: str
    step: str
    reason: str
    detail: str
    origin: str
    payload: bytes = b""
    source: str | None = None
    holds: Literal["bytes", "row", "events"] = "bytes"
    retained: bool = False
    redelivered: bool = False
    labels: dict[str, str] = {}
    cut: bool = False
    trace: str | None = None


Event = (
    Reading
    | Summary
    | Occurrence
    | Frame
    | Detection
    | AlarmTransition
    | Message
    | Row
    | DeadLetter
)


GOOD: Quality = Reading(id="", time=0.0, subject="", metric="").quality
"""The one object that is the quality of readings where nothing else was said, so that `is` tells
it.
"""


class EventBatch(list[Event]):
    """Events that travel together.

    `columns` is what the steps that take them made of all of them, for each other.
    """

    columns: Any = None


_time_of = attrgetter("time")
_encode = msgspec.json.Encoder().encode_lines
_decode = msgspec.json.Decoder(Event).decode_lines


def encode_lines(events: Iterable[Event]) -> bytes:
    """Encode events as JSON, one a line, each line ended by a newline."""
    return _encode(events)


def decode_lines(data: bytes) -> list[Event]:
    """Decode what `encode_lines` wrote.

    Raises `msgspec.DecodeError`, or `msgspec.ValidationError` for JSON of another form.
    """
    try:
        return _decode(data)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(
            f"not UTF-8: byte 0x{error.object[error.start]:02x} in a text"
        ) from None
    except RecursionError:
        raise msgspec.DecodeError("nested too deeply") from None


def received_lines(data: bytes) -> list[Event]:
    """Decode lines of a topic as `decode_lines` does; a time before 1970 is refused too."""
    events = decode_lines(data)
    if events and (least := min(map(_time_of, events))) < 0:
        raise msgspec.ValidationError(f"Expected a time of 0 or later, got {least:g}")
    return events
