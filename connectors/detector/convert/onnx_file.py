"""Writes ONNX files: as much of the format as the conversions here need, without the package onnx.

Protocol Buffers by hand; numbers of fields are those of onnx/onnx.proto3 at version 1.16.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

IR_VERSION = 9
OPSET = 18
FLOAT, INT64 = 1, 7
"""Types of elements (TensorProto.DataType)."""
_ELEMENT = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}
_A_FLOAT, _AN_INT, _A_STRING, _A_TENSOR, _INTS = 1, 2, 3, 4, 7  # AttributeProto.AttributeType

Array: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.int64]
Attribute: TypeAlias = int | float | str | Sequence[int] | Array
Shape: TypeAlias = Sequence[int | str]


class Graph:
    """A graph under construction; each value has a name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """A constant, float32 or int64; one of that name is made once."""
        if name not in self._constants:
            array = np.array(value, order="C")
            is_float = array.dtype.kind == "f"
            kept = array.astype(np.float32) if is_float else array.astype(np.int64)
            self._constants[name] = _tensor(kept, name)
        return name

    def node(
        self, operator: str, inputs: Sequence[str], *outputs: str, **attributes: Attribute
    ) -> str:
        """An operation; the name of its first output."""
        body = b"".join(
            [
                *(_text(1, name) for name in inputs),
                *(_text(2, name) for name in outputs),
                _text(3, outputs[0]),
                _text(4, operator),
                *(_bytes(5, _attribute(name, value)) for name, value in attributes.items()),
            ]
        )
        self._nodes.append(body)
        return outputs[0]

    def model(
        self,
        inputs: Mapping[str, Shape],
        outputs: Mapping[str, Shape],
        metadata: Mapping[str, str],
    ) -> bytes:
        """The file. Inputs and outputs are float32; a side of unknown length is a word."""
        graph = b"".join(
            [
                *(_bytes(1, node) for node in self._nodes),
                _text(2, self._name),
                *(_bytes(5, constant) for constant in self._constants.values()),
                *(_bytes(11, _value(name, shape)) for name, shape in inputs.items()),
                *(_bytes(12, _value(name, shape)) for name, shape in outputs.items()),
            ]
        )
        return b"".join(
            [
                _number(1, IR_VERSION),
                _text(2, "vigie"),
                _bytes(7, graph),
                _bytes(8, _text(1, "") + _number(2, OPSET)),
                *(_bytes(14, _text(1, key) + _text(2, value)) for key, value in metadata.items()),
            ]
        )


def _attribute(name: str, value: Attribute) -> bytes:
    head = _text(1, name)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, _AN_INT)
    if isinstance(value, float):
        return head + _tag(2, 5) + struct.pack("<f", value) + _number(20, _A_FLOAT)
    if isinstance(value, str):
        return head + _bytes(4, value.encode()) + _number(20, _A_STRING)
    if isinstance(value, np.ndarray):
        return head + _bytes(5, _tensor(value, "")) + _number(20, _A_TENSOR)
    return head + b"".join(_number(8, int(each)) for each in value) + _number(20, _INTS)


def _tensor(array: Array, name: str) -> bytes:
    sides = b"".join(_number(1, side) for side in array.shape)
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    kind = _number(2, _ELEMENT[np.dtype(array.dtype)])
    return sides + kind + _text(8, name) + _bytes(9, data)


def _value(name: str, shape: Shape) -> bytes:
    sides = b"".join(
        _bytes(1, _text(2, side) if isinstance(side, str) else _number(1, side)) for side in shape
    )
    tensor = _number(1, FLOAT) + _bytes(2, sides)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _tag(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _number(field: int, value: int) -> bytes:
    return _tag(field, 0) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _bytes(field: int, value: bytes) -> bytes:
    return _tag(field, 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
