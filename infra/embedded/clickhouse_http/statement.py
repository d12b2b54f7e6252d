"""What a statement is: whether it inserts given data, only reads, and which format it asks for."""

import re
from typing import NamedTuple

_NOISE = rb"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*"
_INSERT = re.compile(
    _NOISE + rb"(INSERT\s+INTO\s+.*?)(\bSETTINGS\b.*?)?\b(?:FORMAT\s+(\w+)|(VALUES))[ \t]*;?[ \t]*\r?\n?", re.I | re.S
)
_IS_INSERT = re.compile(_NOISE + rb"INSERT\b", re.I | re.S)
_READS = re.compile(_NOISE + rb"\(*\s*(?:SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN|CHECK|VALUES)\b", re.I | re.S)
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^;]*)?;?\s*\Z", re.I)
_OTHER_SOURCE = re.compile(rb"\b(?:SELECT|INFILE)\b", re.I)
_HEAD = 1 << 20


class Insert(NamedTuple):
    """An insert of data that came with the request: `target` is `INSERT INTO table (columns)`."""

    target: bytes
    settings: bytes
    format: bytes
    data: memoryview


def insert_of(statement: bytes, data: bytes) -> Insert | None:
    """Split an insert into its statement and its data, which comes after the format or in `data`; None if it is no such."""
    if not _IS_INSERT.match(statement):
        return None
    found = _INSERT.match(statement[:_HEAD])
    if found is None or _OTHER_SOURCE.search(found[1]):
        return None
    inline = memoryview(statement)[found.end() :]
    payload = memoryview(bytes(inline) + data) if inline and data else inline or memoryview(data)
    return Insert(found[1], found[2] or b"", found[3] or b"Values", payload)


def only_reads(statement: bytes) -> bool:
    return _READS.match(statement) is not None


def format_of(statement: bytes, default: str) -> str:
    """The format a query asks for at its end, or the default."""
    if _IS_INSERT.match(statement):
        return default
    found = _FORMAT.search(statement[-400:])
    return found[1].decode() if found else default
