"""Values of a YAML file with their places, and problems shown with the line they stand in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from connectors.config.redaction import hidden

Level = Literal["error", "warning"]
Key = str | int
Path_ = tuple[Key, ...]

WIDEST = 160
WIDEST_CARET = 60

CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = r"(?:\$\{[^}\s]*\}?|[^\s,\[\]{}:#]|:(?=\S)|(?<=\S)#)+"
_SCALAR = re.compile(
    rf"""\"(?:[^"\\]|\\.)*\"|'(?:[^']|'')*'|{_PLAIN}(?:[ ]+{_PLAIN})*|[^\s:,\]}}]+"""
)
"""A key or value as it stands in a line: quoted, or plain up to what ends it; else a word."""


@dataclass(frozen=True)
class Place:
    """A position in a file; line and column count from 0."""

    file: "Text"
    line: int
    column: int


@dataclass
class Node:
    """A value with its place.

    `entries` holds the place of each key with its value; `items` the values of a list.
    """

    place: Place
    value: Any = None
    entries: dict[str, tuple[Place, "Node"]] | None = None
    items: list["Node"] | None = None
    flow_style: bool = False
    quoted: bool = False

    def plain(self) -> Any:
        """The value as plain dicts, lists and scalars."""
        if self.entries is not None:
            return {key: node.plain() for key, (_, node) in self.entries.items()}
        if self.items is not None:
            return [node.plain() for node in self.items]
        return self.value

    def get(self, key: Key) -> "Node | None":
        """The value under a key or index, if there is one."""
        if self.entries is not None and key in self.entries:
            return self.entries[str(key)][1]
        if self.items is not None and isinstance(key, int) and 0 <= key < len(self.items):
            return self.items[key]
        return None

    def children(self) -> Iterator[tuple[Key, Place, "Node"]]:
        """Key or index, its place, and the value of each child."""
        if self.entries is not None:
            for key, (place, node) in self.entries.items():
                yield key, place, node
        for index, node in enumerate(self.items or ()):
            yield index, node.place, node

    def walk(self, path: Path_ = ()) -> Iterator[tuple[Path_, "Node"]]:
        """This node and all below it, with their paths."""
        yield path, self
        for key, _, node in self.children():
            yield from node.walk((*path, key))


@dataclass(frozen=True)
class Problem:
    """One error or warning at a place, with a suggestion where there is one."""

    place: Place
    message: str
    hint: str | None = None
    level: Level = "error"

    def __str__(self) -> str:
        line, column = self.place.line, self.place.column
        head = f"{self.place.file.path}:{line + 1}:{column + 1}: {self.level}: {self.message}"
        source = self.place.file.line(line)
        if not source.strip():
            return head + (f" ({self.hint})" if self.hint else "")
        if len(source) > WIDEST:
            start = max(0, column - WIDEST // 2)
            source, column = source[start : start + WIDEST] + "…", column - start
        word = _SCALAR.match(source[column:])
        pad = re.sub(r"[^\t]", " ", source[:column])
        caret = "^" * min(len(word[0]) if word else 1, WIDEST_CARET)
        return f"{head}\n{line + 1:5} | {source}\n      | {pad}{caret}" + (
            f" {self.hint}" if self.hint else ""
        )


@dataclass(eq=False)
class Text:
    """One file: its path as it is shown, and its lines."""

    path: str
    lines: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def line(self, number: int) -> str:
        """A line as it may be printed: no control characters, `***` for what must not be shown."""
        line = (
            CONTROL.sub("\N{REPLACEMENT CHARACTER}", self.lines[number])
            if number < len(self.lines)
            else ""
        )
        return hidden(line, dict.fromkeys(self.secrets, "***"))
