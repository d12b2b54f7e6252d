"""One part of the way of an event."""

from typing import Any, NamedTuple

from connectors.base import SpanKind


class Span(NamedTuple):
    """Ids are those of OpenTelemetry, a parent of 0 is none; times are epoch seconds."""

    name: str
    kind: SpanKind
    trace: int
    id: int
    parent: int
    start: float
    end: float
    said: dict[str, Any]
