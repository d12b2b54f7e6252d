"""Sparkplug B, which is protobuf: recognised by its topics, not read."""

from typing import Any

from operators.decoding.payloads.base import Dialect, Route, never
from operators.decoding.payloads.payload import Refused
from operators.decoding.payloads.reading_builder import Sheet

WHY = (
    "expected JSON or text; Sparkplug B is protobuf: let the edge node publish JSON, or put a"
    " converter before the broker"
)


def route(topic: str, sure: bool) -> Route | None:
    return (
        Route(None, unsupported=WHY) if topic.partition("/")[0] in ("spBv1.0", "spAv1.0") else None
    )


def read(sheet: Sheet, data: Any) -> None:
    raise Refused("unsupported", WHY)


DIALECT = Dialect(route, never, read)
