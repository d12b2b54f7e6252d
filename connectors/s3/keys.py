"""Keys of objects: texts with placeholders, checked before a store sees them."""

import math
from collections.abc import Callable

import msgspec

from operators.events import Event
from operators.model.fields import field
from operators.model.template import Template

LONGEST = 1024
"""Bytes of a key in UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects")."""


class BadKey(ValueError):
    """An event whose key no store would take; the message says why."""


class KeyTemplate:
    """Makes the key of an event.

    Times are in UTC, so that no hour comes twice; with `span` they are the beginning of the span of
    so many seconds that the event lies in.
    """

    def __init__(self, source: str, span: float | None = None) -> None:
        self._template = Template(source)
        self._span = span
        self._needed = [
            name for name in self._template.placeholders() if name not in ("time", "value", "raw")
        ]
        self._of_time: dict[float, str] | None = (
            {} if set(self._template.placeholders()) <= {"time"} else None
        )

    def key(self, event: Event) -> str:
        """The key; raises `BadKey`."""
        if self._span is None:
            return self._render(event)
        if not math.isfinite(event.time):
            raise BadKey(f"an event needs a time, got {event.time}")
        start = event.time // self._span * self._span
        if self._of_time is None:
            return self._render(msgspec.structs.replace(event, time=start))
        key = self._of_time.get(start)
        if key is None:
            if len(self._of_time) > 10_000:
                self._of_time.clear()
            key = self._of_time[start] = self._render(msgspec.structs.replace(event, time=start))
        return key

    def _render(self, event: Event) -> str:
        for name in self._needed:
            if field(event, name) is None:
                raise BadKey(
                    f"the event has no field {name!r}, which the key"
                    f" {self._template.source!r} needs"
                )
        try:
            key = str(self._template.render(event))
        except (ValueError, OverflowError, OSError) as error:
            raise BadKey(f"no key can be made of the time {event.time}: {error}") from error
        for check in _CHECKS:
            if problem := check(key):
                raise BadKey(f"{problem}: {key[:200]!r} from {self._template.source!r}")
        return key


def _segments(key: str) -> str | None:
    if any(part in ("", ".", "..") for part in key.split("/")):
        return (
            "a key has no empty part and none that is '.' or '..', perhaps a field of it is missing"
        )
    return None


def _characters(key: str) -> str | None:
    if "\\" in key:
        return "a key has no backslash, which some stores take for '/'"
    return None if key.isprintable() else "a key has no control characters"


def _length(key: str) -> str | None:
    return (
        None
        if len(key.encode("utf-8", "surrogatepass")) <= LONGEST
        else f"a key has at most {LONGEST} bytes"
    )


_CHECKS: tuple[Callable[[str], str | None], ...] = (_segments, _characters, _length)


def check_key(source: str) -> str:
    """A key's text as a definition gives it; raises ValueError for one that can never be a key."""
    Template(source)
    if (
        source.startswith("/")
        or "//" in source
        or any(part in (".", "..") for part in source.split("/"))
        or "\\" in source
    ):
        raise ValueError(
            f"{source!r} is not a key: it begins with no '/', has no backslash and no part that is"
            " empty, '.' or '..'"
        )
    return source


def fixed_part(source: str) -> str:
    """The fixed text that all keys of a template begin with."""
    return source.partition("{")[0]
