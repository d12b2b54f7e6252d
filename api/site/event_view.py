"""Events as the REST interface shows them, from ClickHouse or from topics."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from operators.events import Detection, Occurrence

SortKey = tuple[int, str]
"""Where an event stands in time: microseconds since 1970, and its id."""
_INNER = ("kind", "id", "time", "subject", "labels", "type", "source")


class AcknowledgementView(msgspec.Struct):
    """Who acknowledged an event; `at` in epoch seconds."""

    by: str
    at: float
    comment: str | None = None


class EvidenceView(msgspec.Struct, omit_defaults=True):
    """A picture or video of an event, or why there is none.

    `kind` is `snapshot` or `clip`, `state` is `stored`, `lost` or `deleted`; `start` and `end` are
    what a clip truly holds, in epoch seconds.
    """

    kind: str
    state: str
    camera: str | None = None
    reason: str | None = None
    key: str | None = None
    bucket: str | None = None
    type: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    start: float | None = None
    end: float | None = None
    codec: str | None = None
    drawn: str | None = None
    thumbnail: str | None = None


class EventView(msgspec.Struct):
    """Something that happened to `subject` (a device, a camera, an area) at `time` (epoch seconds).

    `type` is its word, such as `motion_detected`; of what a camera saw the kind of object. `data`
    is what came with it. What is `pinned` keeps its evidence.
    """

    id: str
    time: float
    kind: str
    subject: str
    type: str
    data: dict[str, Any]
    labels: dict[str, str]
    source: str | None = None
    acknowledged: AcknowledgementView | None = None
    evidence: list[EvidenceView] = []
    pinned: bool = False


def micros(time: float) -> int:
    """Microseconds since 1970, as ClickHouse has the time."""
    return int(time * 1_000_000 + 0.5)


def sort_key(event: EventView) -> SortKey:
    """The sort key of an event."""
    return micros(event.time), event.id


def of_row(row: Mapping[str, Any]) -> EventView:
    """The event of a row of the table `events`, whose `at` is in microseconds."""
    fields = json.loads(row["data"] or "{}")
    head = (row["id"], row["at"] / 1e6, row["kind"], row["subject"], row["type"])
    return _view(*head, fields, dict(row["labels"] or {}))


def of_event(event: Occurrence | Detection) -> EventView:
    """An event as it came over a topic."""
    fields = msgspec.to_builtins(event)
    word = event.type if isinstance(event, Occurrence) else event.class_
    head = (
        event.id,
        micros(event.time) / 1e6,
        str(event.__struct_config__.tag),
        event.subject,
        word,
    )
    return _view(*head, fields, dict(event.labels))


def _view(
    id: str,
    time: float,
    kind: str,
    subject: str,
    type: str,
    fields: dict[str, Any],
    labels: dict[str, str],
) -> EventView:
    source = fields.get("source")
    inner = fields.get("data") if kind == "occurrence" else fields
    data = {
        name: value
        for name, value in (inner or {}).items()
        if kind == "occurrence" or name not in _INNER
    }
    return EventView(
        id, time, kind, subject, type, data, labels, source if isinstance(source, str) else None
    )
