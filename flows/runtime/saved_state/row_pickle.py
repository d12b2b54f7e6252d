"""The rows of Bytewax's recovery stores, read without unpickling.

Bytewax pickles what it saves, and unpickles whatever it finds. Vigie hands it nothing but bytes,
so a row is sound if unpickling it can give nothing else.
"""

import io
import pickletools
from collections.abc import Iterator, Set
from typing import Any

_BYTES = frozenset(["PROTO", "FRAME", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "MEMOIZE", "STOP"])

_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}


def bytes_of(row: bytes) -> bytes:
    """The bytes that a row holds; raises ValueError if unpickling it would do anything else."""
    found = [argument for argument in arguments(row, _BYTES) if isinstance(argument, bytes)]
    if len(found) != 1:
        raise ValueError(f"expected one pickled bytes object, got {len(found)}")
    return found[0]


def row_of(data: bytes) -> bytes:
    """A row that holds these bytes, as Bytewax writes it."""
    return b"\x80\x04\x8e" + len(data).to_bytes(8, "little") + data + b"."


def arguments(row: bytes, allowed: Set[str]) -> Iterator[Any]:
    """The arguments of a pickle's opcodes, in order.

    Raises ValueError for an opcode that is not allowed, before its argument is read, and for what
    is no pickle or goes on behind its end.
    """
    rest, name = io.BytesIO(row), ""
    while name != "STOP":
        at = rest.tell()
        opcode = _OPCODES.get(rest.read(1).decode("latin-1"))
        if opcode is None:
            raise ValueError(f"expected a pickle's opcode at byte {at}")
        name = opcode.name
        if name not in allowed:
            raise ValueError(f"the pickle's opcode {name} at byte {at} is not allowed")
        if opcode.arg is not None:
            yield opcode.arg.reader(rest)
    if rest.tell() != len(row):
        raise ValueError(f"{len(row) - rest.tell()} bytes follow the end of the pickle")
