"""The packets of the binary log: their types, and the encodings they share."""

import zlib
from typing import Literal, NamedTuple

QUERY = 2
ROTATE = 4
FORMAT_DESCRIPTION = 15
XID = 16
EXECUTE_LOAD_QUERY = 18
TABLE_MAP = 19
INCIDENT = 26
XA_PREPARE = 38
GTID = 162
QUERY_COMPRESSED = 165
STANDALONE, GROUP_COMMIT_ID, PREPARED_XA, COMPLETED_XA = 1, 2, 64, 128
"""Flags of a GTID event."""


IGNORABLE = 0x80
"""Flag in the header of an event that may be left out."""
WITHOUT_ROWS = {
    *range(8), *range(9, 19), 26, 27, 28, 29, *range(33, 36), *range(160, 166),
}  # fmt: skip
"""The types of events that hold no rows, or are handled by their own type."""


class Rows(NamedTuple):
    """A kind of row event: its operation, its header's version, and whether rows are compressed."""

    op: Literal["insert", "update", "delete"]
    version: int
    compressed: bool = False


ROW_EVENTS = {
    23: Rows("insert", 1), 24: Rows("update", 1), 25: Rows("delete", 1),
    30: Rows("insert", 2), 31: Rows("update", 2), 32: Rows("delete", 2),
    166: Rows("insert", 1, True), 167: Rows("update", 1, True), 168: Rows("delete", 1, True),
    169: Rows("insert", 2, True), 170: Rows("update", 2, True), 171: Rows("delete", 2, True),
}  # fmt: skip
"""The kinds of row events by their type."""


def xid_of(gtid_event: bytes) -> str:
    """The name of the XA transaction that a GTID event prepares or completes."""
    offset = 41 if gtid_event[32] & GROUP_COMMIT_ID else 33
    start = offset + 6
    end = start + gtid_event[offset + 4] + gtid_event[offset + 5]
    return f"{gtid_event[offset:start].hex()}:{gtid_event[start:end].hex()}"


def length_coded(data: bytes, offset: int) -> tuple[int, int]:
    """(value, next offset) of a length-coded number."""
    first = data[offset]
    if first < 251:
        return first, offset + 1
    size = {252: 2, 253: 3, 254: 8}[first]
    return int.from_bytes(data[offset + 1 : offset + 1 + size], "little"), offset + 1 + size


def uncompressed(data: bytes, offset: int) -> bytes:
    """The plain bytes of a compressed tail.

    It is a byte with the algorithm and the size of the length, the length, and a zlib stream.
    """
    size = data[offset] & 0x07
    return zlib.decompress(data[offset + 1 + size :])


def query_text(data: bytes, end: int) -> tuple[str, str]:
    """(default database, statement) of a query event."""
    event = data[5]
    schema_length = data[28]
    variables = int.from_bytes(data[31:33], "little")
    start = 33 + (4 + 4 + 4 + 1 if event == EXECUTE_LOAD_QUERY else 0) + variables
    schema = data[start : start + schema_length].decode("utf8", "replace")
    text = data[start + schema_length + 1 : end]
    if event == QUERY_COMPRESSED:
        text = uncompressed(text, 0)
    return schema, text.decode("utf8", "replace")
