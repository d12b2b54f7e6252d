"""Cursors: how far a client has read, valid beyond the connection and the process.

A cursor names the next line of every partition that the api reads: `PARTITION:OFFSET` or
`PARTITION:OFFSET.LINE`, numbers in hexadecimal, joined by commas. Offsets belong to the broker, so
a cursor means the same to a restarted api and to another one beside it. To clients it is opaque.
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
    """A short id of one partition, which changes when the topic is created anew."""
    digest = hashlib.blake2b(f"{topic}\0{topic_id}\0{partition}".encode(), digest_size=3).digest()
    return base64.urlsafe_b64encode(digest).decode()


class Positions:
    """The next line of every partition, and the cursor that they make."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self.text = ""

    def advance(self, partition: str, position: Position) -> str:
        """Note that a partition was read up to a position; returns the cursor after it."""
        offset, line = position
        self._texts[partition] = (
            f"{partition}:{offset:x}.{line:x}" if line else f"{partition}:{offset:x}"
        )
        self.text = ",".join(self._texts.values())
        return self.text

    def forget(self, partitions: Iterable[str]) -> None:
        """Drop partitions that no longer exist."""
        for partition in partitions:
            self._texts.pop(partition, None)
        self.text = ",".join(self._texts.values())


def parse(text: object) -> dict[str, Position]:
    """The position in every partition. Raises `CursorError` for what is not a cursor."""
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
