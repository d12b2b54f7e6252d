"""Saved state as bytes: MessagePack of plain data and events, which names no class of the program.

Decoded without a type, arrays come back as lists, but keys of maps as tuples; sets come back as
lists, and events as maps. Integers beyond 64 bits, which MessagePack does not have, travel as an
extension type. A step whose state needs more names its type (`operators.component.Logic.STATE`).
"""

import numbers
from typing import Any

import msgspec

BIG_INTEGER = 1
"""The extension type of an integer beyond 64 bits: two's complement, big-endian."""


def encode(state: object) -> bytes:
    """Encode a state; raises TypeError for an object that is neither plain data nor an event."""
    try:
        return _encoder.encode(state)
    except OverflowError:
        return _encoder.encode(_without_big_integers(state))


def decode(data: bytes | msgspec.Raw, type: Any = Any) -> Any:
    """Decode what `encode` wrote; raises `ValueError` for anything else or another type."""
    try:
        return msgspec.msgpack.decode(data, type=type, ext_hook=_extended)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def tuples(data: Any) -> Any:
    """The same data with every list as a tuple, at any depth, so that it can be a key."""
    if isinstance(data, list):
        return tuple(map(tuples, data))
    if isinstance(data, dict):
        return {key: tuples(value) for key, value in data.items()}
    return data


def _plain(value: object) -> int | float:
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(value)
    raise TypeError(f"a saved state holds plain data and events, not {type(value)!r}")


def _extended(code: int, data: memoryview) -> int:
    if code != BIG_INTEGER:
        raise msgspec.ValidationError(f"unknown extension type {code}")
    return int.from_bytes(data, "big", signed=True)


def _without_big_integers(state: object) -> Any:
    if isinstance(state, int):
        if -(2**63) <= state < 2**64:
            return state
        size = state.bit_length() // 8 + 1
        return msgspec.msgpack.Ext(BIG_INTEGER, state.to_bytes(size, "big", signed=True))
    if isinstance(state, msgspec.Struct):
        state = msgspec.to_builtins(state, builtin_types=(bytes,))
    if isinstance(state, dict):
        return {key: _without_big_integers(value) for key, value in state.items()}
    if isinstance(state, list | tuple | set | frozenset):
        return [_without_big_integers(value) for value in state]
    return state


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
