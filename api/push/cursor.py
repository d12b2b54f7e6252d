"""Cursors: how far somebody has read, in words that outlive the connection and the process.

A cursor names the next line of every partition the api reads: `PART:OFFSET` or `PART:OFFSET.LINE`,
numbers in hexadecimal, joined by commas. Offsets belong to the broker, so a cursor means the same
to a restarted api and to another one beside it. Clients treat it as opaque.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

Place = tuple[int, int]
BEGINNING: Place = (0, 0)
LONGEST = 4096


class CursorError(ValueError):
    """A text is not a cursor."""


def part_name(topic: str, topic_id: Any, partition: int) -> str:
    """A short name of one partition, which changes when the topic is made anew."""
    digest = hashlib.blake2b(f"{topic}\0{topic_id}\0{partition}".encode(), digest_size=3).digest()
    return base64.urlsafe_b64encode(digest).decode()


class Positions:
    """The next line of every partition, and its text."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self.text = ""

    def advance(self, part: str, place: Place) -> str:
        """Take note that `part` was read up to `place`; gives the cursor after it."""
        offset, line = place
        self._texts[part] = f"{part}:{offset:x}.{line:x}" if line else f"{part}:{offset:x}"
        self.text = ",".join(self._texts.values())
        return self.text

    def forget(self, parts: Iterable[str]) -> None:
        """Partitions that are no more."""
        for part in parts:
            self._texts.pop(part, None)
        self.text = ",".join(self._texts.values())


def parse(text: object) -> dict[str, Place]:
    """The place in every partition; raises `CursorError` for what is not a cursor."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise CursorError("the cursor must be a text that this server gave")
    places = {}
    for item in filter(None, text.split(",")):
        part, _, place = item.partition(":")
        offset, _, line = place.partition(".")
        try:
            places[part] = (int(offset, 16), int(line or "0", 16))
        except ValueError:
            raise CursorError(f"{text[:40]!r} is not a cursor of this server") from None
    return places
