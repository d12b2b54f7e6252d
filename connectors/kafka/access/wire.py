"""A few requests of the Kafka protocol over a plain socket, to find out what a broker says.

Formats: ApiVersions 0, SaslHandshake 1, SaslAuthenticate 0, Metadata 1.
"""

import struct
from typing import Any

VERSIONS, HANDSHAKE, AUTHENTICATE, METADATA = 18, 17, 36, 3
TLS_ALERT = b"\x15\x03"
MOST_BYTES = 16 << 20


class Closed(Exception):
    """The broker ended the connection instead of answering."""


class Foreign(Exception):
    """What answers is no broker; the message is what it said."""


def ask(link: Any, key: int, version: int, body: bytes) -> bytes:
    """The answer to a request; raises `Closed`, `Foreign` and `TimeoutError`."""
    client = b"vigie"
    request = struct.pack(">hhih", key, version, 1, len(client)) + client + body
    try:
        link.sendall(struct.pack(">i", len(request)) + request)
        head = _exactly(link, 4)
        if head.startswith(TLS_ALERT):
            raise Closed
        (length,) = struct.unpack(">i", head)
        if not 4 <= length <= MOST_BYTES:
            raise Foreign(head.decode("ascii", "replace"))
        return _exactly(link, length)[4:]
    except TimeoutError:
        raise
    except OSError as error:
        raise Closed from error


def text(data: bytes) -> tuple[str | None, bytes]:
    """The text, or none, with which `data` begins, and what follows."""
    (length,) = struct.unpack_from(">h", data)
    if length < 0:
        return None, data[2:]
    return data[2 : 2 + length].decode("utf-8", "replace"), data[2 + length :]


def brokers(answer: bytes) -> list[tuple[str, int]]:
    """Host and port of each broker in an answer to METADATA."""
    (count,), rest, found = struct.unpack_from(">i", answer), answer[4:], []
    for _ in range(count):
        host, rest = text(rest[4:])
        found.append((host or "", struct.unpack_from(">i", rest)[0]))
        _, rest = text(rest[4:])
    return found


def _exactly(link: Any, count: int) -> bytes:
    data = b""
    while len(data) < count:
        some = link.recv(count - len(data))
        if not some:
            raise Closed
        data += some
    return data
