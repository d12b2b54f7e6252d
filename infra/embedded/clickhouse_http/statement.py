"""What a statement is: whether it inserts given data, only reads, and which format it asks for."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_NOISE = rb"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*"
_NAME = rb"(?:`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|\w+|\{\s*\w+\s*:\s*Identifier\s*\})"
_IS_INSERT = re.compile(_NOISE + rb"INSERT\b", re.I | re.S)
_INTO = re.compile(
    _NOISE
    + rb"INSERT\s+INTO\s+(?:TABLE\s+)?(?:FUNCTION\s+)?"
    + _NAME
    + rb"(?:\s*\.\s*"
    + _NAME
    + rb")?",
    re.I | re.S,
)
_READS = re.compile(
    _NOISE + rb"\(*\s*(?:SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN|CHECK|VALUES)\b", re.I | re.S
)
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^;]*)?;?\s*\Z", re.I)
_FORMAT_NAME = re.compile(rb"\s+(\w+)[ \t]*;?[ \t]*\r?\n?")
_TOKEN = re.compile(
    rb"\s+|--[^\n]*|/\*.*?\*/"
    rb"|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
    rb"|(?P<word>[A-Za-z_]\w*)|.",
    re.S,
)


class Insert(NamedTuple):
    """An insert of data that came with the request: `target` is `INSERT INTO table (columns)`."""

    target: bytes
    settings: bytes
    format: bytes
    data: memoryview


def insert_of(statement: bytes, data: bytes) -> Insert | None:
    """Split an insert into its statement and its data; None if it is no insert with data.

    The data come after the format, or in `data`.
    """
    into = _INTO.match(statement)
    if into is None:
        return None
    settings_at = None
    for word, start, end in _clauses(statement, into.end()):
        if word in (b"SELECT", b"WITH", b"INFILE"):
            return None
        if word == b"SETTINGS":
            settings_at = start
        name, after = b"Values", end
        if word == b"FORMAT" and (found := _FORMAT_NAME.match(statement, end)):
            name, after = found[1], found.end()
        elif word != b"VALUES":
            continue
        head, settings = (
            statement[: settings_at or start],
            statement[settings_at:start] if settings_at else b"",
        )
        inline = memoryview(statement)[after:]
        payload = (
            memoryview(bytes(inline) + data) if inline and data else inline or memoryview(data)
        )
        return Insert(head, settings, name, payload)
    return None


def _clauses(statement: bytes, start: int) -> Iterator[tuple[bytes, int, int]]:
    """The words that may begin a clause, in upper case, with their places.

    Words in brackets or quotes are left out.
    """
    depth = 0
    for token in _TOKEN.finditer(statement, start):
        text = token.group()
        depth += (text == b"(") - (text == b")")
        if token["word"] and not depth:
            yield text.upper(), token.start(), token.end()


def only_reads(statement: bytes) -> bool:
    """Whether a statement changes nothing."""
    return _READS.match(statement) is not None


def format_of(statement: bytes, default: str) -> str:
    """The format a query asks for at its end, or the default."""
    if _IS_INSERT.match(statement):
        return default
    found = _FORMAT.search(statement[-400:])
    return found[1].decode() if found else default
