"""The contents of objects: events as lines, and their compression."""

import gzip
import zlib
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import zstandard

from connectors.base import ConnectorContext
from operators.events import Event

Line = Callable[[Event], bytes]
PACKERS: dict[str, tuple[str, str, Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "none": ("", "application/x-ndjson", bytes, bytes),
    "gzip": (
        ".gz",
        "application/gzip",
        lambda data: gzip.compress(data, 6, mtime=0),
        gzip.decompress,
    ),
    "zstd": (
        ".zst",
        "application/zstd",
        lambda data: zstandard.ZstdCompressor(3).compress(data),
        lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 30),
    ),
}
"""Compressions by name: ending of the key, content type, compress, decompress."""
UNPACKERS = {ending: unpack for ending, _, _, unpack in PACKERS.values()}
"""Decompress, by the ending of the key."""
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)
"""Errors of `UNPACKERS` for a content that is cut short or damaged."""


class Content(NamedTuple):
    """The bytes of an object, and their content type."""

    data: bytes
    type: str


class NoContent(ValueError):
    """An event of which no object can be made: `reason` is one word, the message says why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


Make = Callable[[Event], Content | None]
"""Gives the content of an event's object; None for an event that has none. Raises `NoContent`."""


def line_maker(context: ConnectorContext) -> Line:
    """A function that encodes an event as a line: its JSON, or its shape with its id."""
    encode = msgspec.json.Encoder().encode
    shape = context.shape
    if shape is None:
        return lambda event: encode(event) + b"\n"
    return lambda event: encode({"id": event.id, **shape(event)}) + b"\n"


def event_object(context: ConnectorContext, compress: str) -> Make:
    """A function that makes the content of an event's own object: its line."""
    line = line_maker(context)
    _, type_, pack, _ = PACKERS[compress]
    kind = "application/json" if compress == "none" else type_
    return lambda event: Content(pack(line(event)), kind)
