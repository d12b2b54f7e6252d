"""Cursors: how far somebody has read, in words that outlive the connection and the process.

A cursor names the next line of every partition the api reads: `PART:OFFSET` or `PART:OFFSET.LINE`,
numbers in hexadecimal, joined by commas. Offsets belong to the broker, so a cursor means the same
to a restarted api and to another one beside it. Clients treat it as opaque.
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

Position = tuple[int, int]
BEGINNING: Position = (0, 0)
LONGEST = 4096


class CursorError(ValueError):
    """A text is not a cursor."""


def partition_id(topic: str, topic_id: Any, partition: int) -> str:
    """A short name of one partition, which changes when the topic is made anew."""
    digest = hashlib.blake2b(f"{topic}\0{topic_id}\0{partition}".encode(), digest_size=3).digest()
    return base64.urlsafe_b64encode(digest).decode()


class Positions:
    """The next line of every partition, and its text."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self.text = ""

    def advance(self, partition: str, position: Position) -> str:
        """Take note that `part` was read up to `place`; gives the cursor after it."""
        offset, line = position
        self._texts[partition] = (
            f"{partition}:{offset:x}.{line:x}" if line else f"{partition}:{offset:x}"
        )
        self.text = ",".join(self._texts.values())
        return self.text

    def forget(self, partitions: Iterable[str]) -> None:
        """Partitions that are no more."""
        for partition in partitions:
            self._texts.pop(partition, None)
        self.text = ",".join(self._texts.values())


def parse(text: object) -> dict[str, Position]:
    """The place in every partition; raises `CursorError` for what is not a cursor."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise CursorError("the cursor must be a text that this server gave")
    positions = {}
    for item in filter(None, text.split(",")):
        partition, _, position = item.partition(":")
        offset, _, line = position.partition(".")
        try:
            positions[partition] = (int(offset, 16), int(line or "0", 16))
        except ValueError:
            raise CursorError(f"{text[:40]!r} is not a cursor of this server") from None
    return positions
