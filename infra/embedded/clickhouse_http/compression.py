"""Compressed bodies: every frame is decoded, for a client may send one frame per block."""

import gzip
import zlib
from collections.abc import Callable

import lz4.frame
import zstandard

from infra.embedded.clickhouse_http.errors import ClickHouseError

WORTH_IT = 4096
"""Answers below this size, in bytes, are not compressed."""


def _lz4(body: bytes) -> bytes:
    out = []
    while body:
        frame = lz4.frame.LZ4FrameDecompressor()
        out.append(frame.decompress(body))
        if not frame.eof:
            raise EOFError("the last lz4 frame is cut off")
        body = frame.unused_data or b""
    return b"".join(out)


def _zstd(body: bytes) -> bytes:
    out = []
    while body:
        frame = zstandard.ZstdDecompressor().decompressobj()
        out.append(frame.decompress(body))
        if not frame.eof:
            raise EOFError("the last zstd frame is cut off")
        body = frame.unused_data
    return b"".join(out)


_DECODE: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": _lz4,
    "zstd": _zstd,
}

_ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda data: zstandard.ZstdCompressor(1).compress(data),
    "gzip": lambda data: gzip.compress(data, 1),
}


def decode(body: bytes, encoding: str) -> bytes:
    """The body of a request with that Content-Encoding.

    Raises `ClickHouseError` if the encoding is unknown or the body cut off.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in _DECODE:
        raise ClickHouseError.make(
            84, f"Unsupported Content-Encoding {encoding!r}", "NOT_IMPLEMENTED"
        )
    try:
        return _DECODE[encoding](body)
    except (EOFError, OSError, RuntimeError, zlib.error, zstandard.ZstdError) as error:
        raise ClickHouseError.make(
            271, f"Cannot decompress {encoding} body: {error}", "CANNOT_DECOMPRESS"
        ) from error


def encode(data: bytes, accepted: str) -> tuple[bytes, str | None]:
    """The answer and its Content-Encoding, the best that the client accepts."""
    if len(data) < WORTH_IT:
        return data, None
    names = {part.partition(";")[0].strip() for part in accepted.lower().split(",")}
    for name, function in _ENCODE.items():
        if name in names:
            return function(data), name
    return data, None
