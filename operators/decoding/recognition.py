"""Which dialect a message is in: by its topic, else by the shape of its payload."""

from collections.abc import Callable
from functools import cache
from typing import Any

from operators.decoding.catalogue import all_built_in
from operators.decoding.dialect import Route, never

FALLBACK = "json"


def by_topic(topic: str) -> tuple[str, Route] | None:
    """The dialect whose topics these are, and how it reads this one; None if it is nobody's."""
    for name, dialect in all_built_in().items():
        if (route := dialect.route(topic, False)) is not None:
            return name, route
    return None


@cache
def _by_shape() -> list[tuple[str, Callable[[Any], bool]]]:
    """The dialects that a payload's shape tells."""
    return [(name, one.fits) for name, one in all_built_in().items() if one.fits is not never]


def by_shape(data: Any) -> str:
    """The dialect of a payload on a topic that is nobody's."""
    if data.__class__ is dict or data.__class__ is list:
        for name, fits in _by_shape():
            if fits(data):
                return name
    return FALLBACK
