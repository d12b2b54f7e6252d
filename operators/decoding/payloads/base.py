"""What a dialect is: three plain functions over topics and payloads."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from operators.decoding.payloads.reading_builder import Sheet

Expects = Literal["json", "any"]
Read = Callable[[Sheet, Any], None]


class Route(NamedTuple):
    """What a topic alone decides.

    `read` takes the payload's JSON value, or its text where `expects` is "any" and it is not JSON;
    None means that whatever comes is left out on purpose. `empty` says that an empty payload is
    data too; `unsupported` why no message of this topic can be read.
    """

    read: Read | None
    expects: Expects = "any"
    empty: bool = False
    unsupported: str | None = None


IGNORE = Route(None)


class Dialect(NamedTuple):
    """One way of speaking.

    `route(topic, sure)` says what the topic decides, or None if it is not the dialect's; `sure`
    means that the definition names the dialect, so that its topics may have any base. `fits`
    recognises a payload by its shape on a topic of no dialect, and `read` reads it.
    """

    route: Callable[[str, bool], Route | None]
    fits: Callable[[Any], bool]
    read: Read


def never(value: Any) -> bool:
    """A dialect that only its topics tell."""
    return False
