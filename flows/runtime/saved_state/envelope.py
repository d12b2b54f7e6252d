"""The envelope around every saved state: who wrote it, in which format, and what it holds.

MessagePack throughout: `["vigie", format, holds, content]`. `content` is a source position, the
state of a source (`input_state`) or of a shard (`flows.dataflow.shard_state`), or what a sink
keeps.
"""

from typing import Any, Literal

import msgspec

from operators.model.saved_state import decode, encode

FORMAT = 2
"""Raise it when the envelope changes; add a folder to `tests/data/state` then.

Format 1 had no `input`, but a position for each partition of a source.
"""

Holds = Literal["position", "input", "shard", "sink"]
Position = str | int | float | tuple[Any, ...] | dict[str, Any] | None
"""Where a reader goes on; sequences come back as tuples."""


class _Envelope(msgspec.Struct, array_like=True, frozen=True):
    program: Literal["vigie"]
    format: int
    holds: Holds
    content: msgspec.Raw


def wrap(holds: Holds, content: bytes) -> bytes:
    """Put an encoded state into an envelope."""
    return encode(_Envelope("vigie", FORMAT, holds, msgspec.Raw(content)))


def unwrap(data: bytes, holds: Holds) -> msgspec.Raw:
    """The encoded content of an envelope.

    Raises ValueError where it is none, of another format, or holds something else.
    """
    envelope = _opened(data)
    if envelope.holds != holds:
        raise ValueError(f"expected a {holds}, got a {envelope.holds}")
    return envelope.content


def check_envelope(data: bytes) -> None:
    """Raise ValueError unless this is an envelope of this format."""
    _opened(data)


def wrap_position(position: object) -> bytes:
    """Encode a source position; raises TypeError if it is not plain data."""
    return wrap("position", encode(position))


def unwrap_position(data: bytes) -> Any:
    """The position that `wrap_position` encoded; raises ValueError for anything else."""
    return decode(unwrap(data, "position"), Position)


def _opened(data: bytes) -> _Envelope:
    envelope: _Envelope = decode(data, _Envelope)
    check_format(envelope.format)
    return envelope


def check_format(number: int) -> None:
    """Raise ValueError for a format that this version does not read."""
    if not 1 <= number <= FORMAT:
        raise ValueError(
            f"expected format {FORMAT}, got {number}: a newer version of Vigie saved it"
        )
