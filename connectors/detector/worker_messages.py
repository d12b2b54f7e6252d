"""What a detector's process and its parent tell each other: MessagePack, a length before each."""

import struct
from typing import IO, TypeVar

import msgspec
from msgspec import Struct

from connectors.detector.model import ModelFacts

LENGTH = struct.Struct(">I")
LARGEST = 1 << 30
Message = TypeVar("Message")


class Setup(Struct, frozen=True):
    """What a worker shall run.

    `classes` are the wanted ones, none for all; `floor` is the lowest score told. `threads` and
    `batch` of 0 are measured, `batch` up to `most`.
    """

    backend: str
    model: str
    classes: list[str] = []
    floor: float = 0.1
    threads: int = 0
    batch: int = 0
    most: int = 16


class Ready(Struct, frozen=True, tag="ready"):
    """The worker runs: its model, where, with how many threads, and the batch that suits it.

    `ms` is what a picture took in the measurement, in milliseconds; 0 if none was made.
    """

    facts: ModelFacts
    device: str
    threads: int
    batch: int
    ms: float = 0.0


class Refused(Struct, frozen=True, tag="refused"):
    """The worker cannot run; `detail` says why."""

    detail: str


Region = tuple[float, float, float, float]
"""Left, top, width and height of a part of a picture, as fractions of it."""


class Work(Struct, frozen=True):
    """JPEGs to look at, and in which regions of each; none: at the whole of it, or of all."""

    jpegs: list[bytes]
    regions: list[list[Region]] = []


class Box(Struct, frozen=True, array_like=True):
    """An object: its class, its score, and left, top, width, height as fractions."""

    class_: str
    score: float
    left: float
    top: float
    width: float
    height: float


class Found(Struct, frozen=True, tag="found"):
    """The objects on each picture; None for one that is no whole JPEG.

    `seconds` is what the model took, `decoding` what was done before, in parallel.
    """

    pictures: list[list[Box] | None]
    seconds: float
    decoding: float = 0.0


Answer = Ready | Refused | Found
_encoder = msgspec.msgpack.Encoder()


def write(pipe: IO[bytes], message: Struct) -> None:
    """Write a message; raises `OSError` if nobody reads."""
    body = _encoder.encode(message)
    pipe.write(LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


def read(pipe: IO[bytes], decoder: "msgspec.msgpack.Decoder[Message]") -> Message | None:
    """The next message; None at the end, also where it comes in the midst of one."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    if size > LARGEST:
        raise ValueError(f"a message of {size} bytes")
    body = pipe.read(size)
    return decoder.decode(body) if len(body) == size else None


setup_decoder = msgspec.msgpack.Decoder(Setup)
work_decoder = msgspec.msgpack.Decoder(Work)
answer_decoder: "msgspec.msgpack.Decoder[Answer]" = msgspec.msgpack.Decoder(Answer)
