"""What a fuzz target is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Protocol


class Mutator(Protocol):
    """Makes another input of one: `any_bytes` is the fuzzer's own mutation, of `data` into at
    most `longest` bytes.
    """

    def __call__(
        self, data: bytes, longest: int, dice: Random, any_bytes: Callable[[bytes, int], bytes]
    ) -> bytes: ...


@dataclass(frozen=True)
class Target:
    """One reader of foreign bytes.

    `run` takes any input and raises for whatever is not a documented outcome; `seeds` are real
    inputs to begin with;
    `words` go into the fuzzer's dictionary; at most `most` inputs are kept.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    mutate: Mutator | None = None
    longest: int = 8192
    words: tuple[str, ...] = ()
    most: int = 200
