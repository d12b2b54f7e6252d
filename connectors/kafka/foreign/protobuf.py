"""Protobuf records as JSON documents."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import msgspec
from google.protobuf import (  # what schemas import of Google's own
    any_pb2,
    descriptor_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    json_format,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from connectors.kafka.foreign.registry import Decoder, Schema, Undecodable

GOOGLES = {
    module.DESCRIPTOR.name: module.DESCRIPTOR
    for module in (
        any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2
    )
}  # fmt: skip


def decoder(schema: Schema) -> Decoder:
    """What decodes records of a schema; raises `Undecodable` where it is none.

    Field names stay as they are. Fields without presence are written though they have their
    default value, for a reading of 0 is one.
    """
    pool, file = DescriptorPool(), _file(schema, "schema.proto")
    try:
        for one in [*_dependencies(schema, file), file]:
            pool.Add(one)
        pool.FindFileByName(file.name)
    except (TypeError, KeyError) as error:
        raise Undecodable(f"its Protobuf schema cannot be used: {error}") from error

    def decode(body: bytes) -> bytes:
        path, rest = _message_path(body)
        try:
            kind = pool.FindMessageTypeByName(_name(file, path))
            found = message_factory.GetMessageClass(kind).FromString(rest)
        except (IndexError, DecodeError) as error:
            raise Undecodable(f"it is not what its Protobuf schema says: {error}") from error
        return msgspec.json.encode(_plain(found))

    return decode


def _file(schema: Schema, name: str) -> Any:
    try:
        file = descriptor_pb2.FileDescriptorProto.FromString(
            base64.b64decode(schema.text, validate=True)
        )
    except (binascii.Error, DecodeError, ValueError) as error:
        raise Undecodable(
            "the schema registry gives Protobuf schemas as text only; it needs one that knows"
            " `format=serialized` (Confluent's, Redpanda's)"
        ) from error
    file.name = file.name or name
    return file


def _dependencies(schema: Schema, file: Any) -> Iterator[Any]:
    """The files that a file imports, each behind what it imports itself."""
    known = dict(schema.references)
    for name in file.dependency:
        if name in known:
            other = _file(known[name], name)
            other.name = name
            yield from _dependencies(known[name], other)
            yield other
        elif name in GOOGLES:
            found = descriptor_pb2.FileDescriptorProto()
            GOOGLES[name].CopyToProto(found)
            yield found


def _message_path(body: bytes) -> tuple[list[int], bytes]:
    """Which message of the file it is, by index in each level, and what follows."""
    numbers, at = list[int](), 0
    count = 1
    while len(numbers) < count:
        number, at = _zigzag(body, at)
        if not numbers and number == 0:  # the first message, the usual one, has a short form
            return [0], body[at:]
        numbers.append(number)
        count = 1 + numbers[0]
        if not 0 < count <= 100:
            break
    if len(numbers) != count:
        raise Undecodable("the header of its Protobuf message is none")
    return numbers[1:], body[at:]


def _zigzag(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(body) and shift < 35:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), at
    raise Undecodable("the header of its Protobuf message is cut")


def _name(file: Any, path: list[int]) -> str:
    """The full name of a message; raises IndexError where there is none."""
    names, level = [file.package] if file.package else [], file.message_type
    for number in path:
        if number < 0:
            raise IndexError(f"no message {number}")
        found = level[number]
        names.append(found.name)
        level = found.nested_type
    return ".".join(names)


def _plain(message: Any) -> Any:
    """A message as JSON has it; 64-bit numbers stay numbers, others than in Protobuf's own JSON."""
    kind = message.DESCRIPTOR
    if kind.file.package == "google.protobuf":
        return json_format.MessageToDict(message)
    return {
        field.name: _value(field, getattr(message, field.name))
        for field in kind.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _value(field: Any, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = field.message_type.fields_by_name["value"]
        return {str(key): _one(entry, value[key]) for key in value}
    if getattr(field, "is_repeated", False):
        return [_one(field, one) for one in value]
    return _one(field, value)


def _one(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return _plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    return value
