"""The contract of a dialect: plain functions over topics and payloads."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from operators.decoding.payloads.metrics import METRICS
from operators.decoding.payloads.parse import MAX_BYTES, Undecodable
from operators.decoding.payloads.reading_builder import ReadingBuilder

Expects = Literal["json", "any", "bytes"]
Read = Callable[[ReadingBuilder, Any], None]
"""Takes the builder of a message's readings and the message's JSON value, text or bytes."""


class Route(NamedTuple):
    """How to read the messages of one topic.

    `read` takes the payload's JSON value, or its text where `expects` is "any" and it is not JSON,
    or its bytes where that is "bytes"; None means that whatever comes is left out on purpose.
    `empty` says that an empty payload is data too; `unsupported` why no message of this topic can
    be read. `largest` is the payload that is still read, in bytes.
    """

    read: Read | None
    expects: Expects = "any"
    empty: bool = False
    unsupported: str | None = None
    largest: int = MAX_BYTES


IGNORE = Route(None)
ALL = frozenset(METRICS)
"""Every metric that there is."""


def never(value: Any) -> bool:
    """Recognise no payload: the dialect is found by its topics only."""
    return False


class Dialect(NamedTuple):
    """How one family of devices or gateways speaks.

    `about` says in a few words who speaks it. `route(topic, named)` returns how to read a topic, or
    None if it is not the dialect's; `named` means that the definition names the dialect, so that
    its topics may have any base. `fits` recognises a payload by its shape on a topic of no dialect,
    and `read` reads it. `metrics` are all that its readings can have.
    """

    about: str
    route: Callable[[str, bool], Route | None]
    read: Read
    fits: Callable[[Any], bool] = never
    metrics: frozenset[str] = ALL


def by_topic(
    about: str,
    route: Callable[[str, bool], Route | None],
    expected: str,
    metrics: frozenset[str] = ALL,
) -> Dialect:
    """Return a dialect found by its topics only; `expected` describes them in messages."""

    def read(builder: ReadingBuilder, data: Any) -> None:
        raise Undecodable("unrecognised", f"expected a topic {expected}; got {builder.topic!r}")

    return Dialect(about, route, read, metrics=metrics)
