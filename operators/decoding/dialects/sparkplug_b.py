"""Sparkplug B, which is protobuf: recognised by its topics, not read."""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.parse import Undecodable
from operators.decoding.payloads.reading_builder import ReadingBuilder

WHY = (
    "expected JSON or text; Sparkplug B is protobuf: let the edge node publish JSON, or put a"
    " converter before the broker"
)


def _route(topic: str, named: bool) -> Route | None:
    return (
        Route(None, unsupported=WHY) if topic.partition("/")[0] in ("spBv1.0", "spAv1.0") else None
    )


def _read(builder: ReadingBuilder, data: Any) -> None:
    raise Undecodable("unsupported", WHY)


DIALECT = Dialect("Sparkplug B, which is recognised and set aside", _route, _read)
