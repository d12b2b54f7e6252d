"""Which dialect a message is in: by its topic, else by the shape of its payload."""

from typing import Any

from operators.decoding.catalogue import all_built_in
from operators.decoding.dialect import Route

FALLBACK = "json"


def by_topic(topic: str) -> tuple[str, Route] | None:
    """The dialect whose topics these are, and how it reads this one; None if it is nobody's."""
    for name, dialect in all_built_in().items():
        if (route := dialect.route(topic, False)) is not None:
            return name, route
    return None


def by_shape(data: Any) -> str:
    """The dialect of a payload on a topic that is nobody's."""
    if data.__class__ is dict or data.__class__ is list:
        for name, dialect in all_built_in().items():
            if dialect.fits(data):
                return name
    return FALLBACK
