"""What a record says of its content, and reading it whichever it is: JSON lines or Arrow."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from connectors.runtime.optional_packages import needing
from operators.events import Event, encode_lines

if TYPE_CHECKING:
    from operators.columnar.reading_columns import ReadingColumns

Pack = bool | Literal["arrow"]
"""Whether what is ready together shares a record; with `arrow`, readings as columns."""
Header = tuple[str, bytes]
CONTENT_TYPE, SCHEMA = b"content-type", b"vigie-schema"
JSON_LINES = b"application/jsonl"
ARROW = b"application/vnd.apache.arrow.stream"
SCHEMA_VERSION = 1
"""Raise it when a reader of earlier versions could not read an event any more."""
_ARROW_BEGINS = b"\xff\xff\xff\xff"


def is_arrow(value: bytes) -> bool:
    """Whether bytes that we packed are an Arrow stream: no line of JSON begins like one."""
    return value.startswith(_ARROW_BEGINS)


def said_of(value: bytes, headers: Sequence[Header]) -> Sequence[Header]:
    """Return the headers of a record that we packed, from those of one of JSON lines."""
    if not is_arrow(value):
        return headers
    own = [(CONTENT_TYPE.decode(), ARROW), (SCHEMA.decode(), str(SCHEMA_VERSION).encode())]
    return [
        *own,
        *(header for header in headers if header[0].encode() not in (CONTENT_TYPE, SCHEMA)),
    ]


def arrow_version(headers: Iterable[tuple[str | bytes, bytes | None]]) -> bytes | None:
    """Return what the headers of a record of Arrow say of its schema; None for other records."""
    said = {name.encode() if isinstance(name, str) else name: value for name, value in headers}
    return (said.get(SCHEMA) or b"") if said.get(CONTENT_TYPE) == ARROW else None


def require_arrow(who: str) -> None:
    """Raise `ConnectorError` where pyarrow is not there."""
    with needing(f"{who}: encoding: arrow", "arrow", "pyarrow"):
        import operators.columnar.arrow_batch  # noqa: F401


def encode_arrow(who: str, readings: Sequence[Event]) -> bytes:
    """Encode readings as an Arrow stream; raises `ConnectorError` where pyarrow is not there."""
    with needing(who, "arrow", "pyarrow"):
        from operators.columnar.arrow_batch import encode

    return encode(readings)  # type: ignore[arg-type]


def encode_columns(who: str, readings: "ReadingColumns") -> list[bytes]:
    """Encode readings that are columns as Arrow streams; raises what `encode_arrow` raises."""
    with needing(who, "arrow", "pyarrow"):
        from operators.columnar import arrow_batch

    return arrow_batch.encode_columns(readings)


def decode_arrow(who: str, value: bytes, version: bytes = b"") -> list[Event]:
    """Decode a record whose header says that it holds Arrow.

    `version` is what it says of its schema. Raises `msgspec.DecodeError`, and `ConnectorError`
    where pyarrow is not there.
    """
    return [event for part in arrow_columns(who, value, version) for event in part]


def arrow_columns(who: str, value: bytes, version: bytes) -> Sequence[Sequence[Event]]:
    """Decode it as columns; raises the same."""
    if version and not (version.isdigit() and int(version) <= SCHEMA_VERSION):
        raise msgspec.ValidationError(
            f"Expected version {SCHEMA_VERSION} of the schema, got"
            f" {version[:20].decode('ascii', 'replace')}; a newer release of Vigie reads it"
        )
    with needing(f"{who}: a record of Arrow", "arrow", "pyarrow"):
        from operators.columnar.arrow_batch import decode_columns

    return decode_columns(value)


def as_lines(who: str, value: bytes, version: bytes | None) -> bytes:
    """Return the JSON lines of a record; `version` is None where it holds them already.

    Raises what `decode_arrow` raises.
    """
    return value if version is None else encode_lines(decode_arrow(who, value, version))
