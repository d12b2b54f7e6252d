"""YAML with positions: reads the text of a definition or a site file into nodes that know their line and column.

YAML 1.2 scalars (`on`, `12:30` and `010` mean what they look like). Anchors, aliases, tags, merges, doubled keys, several
documents and directives are refused, each at its place. Any bytes give problems, never an exception.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

Level = Literal["error", "warning"]
Key = str | int
Path_ = tuple[Key, ...]

MAX_DEPTH = 40
MAX_BYTES = 2 << 20
WIDEST = 160

_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(r"[^\s:,\]}]+")
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_HEX_OCT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Place:
    """A position in a file; line and column count from 0."""

    file: "Text"
    line: int
    column: int


@dataclass
class Node:
    """A value with its place. `entries` holds the place of each key with its value; `items` the values of a list."""

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
        word = _WORD.match(source[column:])
        pad = re.sub(r"[^\t]", " ", source[:column])
        caret = "^" * min(len(word[0]) if word else 1, 60)
        return f"{head}\n{line + 1:5} | {source}\n      | {pad}{caret}" + (f" {self.hint}" if self.hint else "")


@dataclass(eq=False)
class Text:
    """One file: its path as it is shown, and its lines."""

    path: str
    lines: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def line(self, number: int) -> str:
        """A line as it may be printed: without control characters, and with `***` for what must not be shown."""
        line = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", self.lines[number]) if number < len(self.lines) else ""
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line


class Document:
    """A file with its nodes and the problems found in it and in the files it includes."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.text = Text(str(path))
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._files = [self.text]

    @classmethod
    def read(cls, path: Path | str) -> "Document":
        """Read a file; what is wrong with it is in `problems`."""
        document = cls(path)
        document.root = document.include(document.text, document.path)
        return document

    def without_problems(self) -> "Document":
        """The same document with an empty list of problems."""
        other = Document(self.path)
        other.text, other.root, other._files = self.text, self.root, self._files
        return other

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.level == "error"]

    def include(self, text: Text, path: Path) -> Node | None:
        """Read one more file into this document; its problems join this document's."""
        if text not in self._files:
            self._files.append(text)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            self.say(Place(text, 0, 0), f"the file cannot be read: {error.strerror or error}")
            return None
        decoded = self._decode(text, data)
        return None if decoded is None else _Reader(self, text).read(decoded)

    def parse(self, source: str) -> Node | None:
        """The nodes of a text that is not (yet) a file, as the document's own."""
        decoded = self._decode(self.text, source.encode("utf-8", "surrogatepass"))
        return None if decoded is None else _Reader(self, self.text).read(decoded)

    def _decode(self, text: Text, data: bytes) -> str | None:
        if len(data) > MAX_BYTES:
            self.say(Place(text, 0, 0), f"the file is larger than {MAX_BYTES >> 20} MiB; definitions are small texts")
            return None
        try:
            decoded = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            good = data[: error.start].decode("utf-8-sig", "replace")
            place = _place_of(text, good, len(good))
            text.lines = _BREAKS.split(good + "\N{REPLACEMENT CHARACTER}")
            self.say(place, f"byte 0x{data[error.start]:02x} is not UTF-8 text", "save the file as UTF-8")
            return None
        text.lines = _BREAKS.split(decoded)
        if control := _CONTROL.search(decoded):
            place = _place_of(text, decoded, control.start())
            self.say(place, f"control character U+{ord(control[0]):04X} is not allowed in a text file", "remove it")
            return None
        if not decoded.strip():
            self.say(Place(text, 0, 0), "the file is empty")
            return None
        return decoded

    def say(self, place: Place, message: str, hint: str | None = None, level: Level = "error") -> None:
        """Note a problem, once."""
        if place.file not in self._files:
            self._files.append(place.file)
        problem = Problem(place, message, hint, level)
        if problem not in self.problems:
            self.problems.append(problem)

    def say_at(
        self, path: Path_, message: str, hint: str | None = None, *, key: bool = False, level: Level = "error"
    ) -> None:
        """Note a problem at the value under `path`, or at its key."""
        self.say(self.place(path, key=key), message, hint, level)

    def node(self, path: Path_) -> Node | None:
        """The value under a path, if there is one."""
        node = self.root
        for part in path:
            node = node.get(part) if node is not None else None
        return node

    def place(self, path: Path_, *, key: bool = False) -> Place:
        """The place of the value under `path`, or of its key; of the last part there is, where the rest is missing."""
        node, place = self.root, Place(self.text, 0, 0)
        for index, part in enumerate(path):
            if node is None or (child := node.get(part)) is None:
                break
            place = child.place
            empty = child.entries is None and child.items is None and child.value is None
            if node.entries is not None and ((key and index == len(path) - 1) or empty):
                place = node.entries[str(part)][0]
            node = child
        return place

    def sorted(self) -> list[Problem]:
        """The problems in file order."""
        order = {id(text): number for number, text in enumerate(self._files)}
        return sorted(self.problems, key=lambda p: (order[id(p.place.file)], p.place.line, p.place.column))

    def report(self) -> str:
        """All problems as text, in file order."""
        return "\n".join(str(problem) for problem in self.sorted())


def _place_of(text: Text, whole: str, index: int) -> Place:
    before = _BREAKS.split(whole[:index])
    return Place(text, len(before) - 1, len(before[-1]))


class _Reader:
    """Builds nodes from parser events, on a stack of its own, so that depth is bounded."""

    def __init__(self, document: Document, text: Text) -> None:
        self._document = document
        self._text = text
        self._stack: list[Node] = []
        self._keys: list[tuple[Place, str] | None] = []
        self._root: Node | None = None
        self._documents = 0

    def read(self, source: str) -> Node | None:
        before = len(self._document.problems)
        try:
            for event in YAML(typ="safe", pure=True).parse(source):
                if not self._take(event):
                    return None
        except MarkedYAMLError as error:
            self._say_unreadable(error)
            return None
        except (YAMLError, ValueError, RecursionError, AssertionError) as error:
            self._document.say(Place(self._text, 0, 0), f"not readable as YAML: {str(error).splitlines()[0]}")
            return None
        failed = any(p.level == "error" for p in self._document.problems[before:])
        if self._root is None and not failed:
            self._document.say(Place(self._text, 0, 0), "the file is empty")
        return self._root

    def _say_unreadable(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        if line >= len(self._text.lines) or (not self._text.lines[line].strip() and line == len(self._text.lines) - 1):
            line, column = self._last_place()
        source = self._text.lines[line] if line < len(self._text.lines) else ""
        place = Place(self._text, line, column)
        if "\t" in source[: column + 1]:
            self._document.say(Place(self._text, line, source.index("\t")), "tabs cannot indent; use spaces")
            return
        problem = re.sub(r"\s+", " ", str(error.problem or error.context or "unexpected text"))
        hint = "quote texts that hold ': ', '{' or '}'" if re.search(r"[{}]", source) else None
        self._document.say(place, f"not readable as YAML: {problem}", hint)

    def _last_place(self) -> tuple[int, int]:
        lines = [number for number, line in enumerate(self._text.lines) if line.strip()]
        return (lines[-1], len(self._text.lines[lines[-1]].rstrip()) - 1) if lines else (0, 0)

    def _take(self, event: Any) -> bool:
        place = Place(self._text, event.start_mark.line, event.start_mark.column)
        say = self._document.say
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if event.version or event.tags:
                say(place, "YAML directives (%YAML, %TAG) are not used in definitions", "remove the line")
            if self._documents > 1:
                say(place, "a file holds one document", "put the second one into a file of its own")
                return False
        if isinstance(event, NodeEvent) and (getattr(event, "anchor", None) or getattr(event, "tag", None)):
            say(place, "anchors, aliases and tags are not used in flows", "use tables, recipes or include")
        if isinstance(event, AliasEvent):
            return self._add(Node(place, value="*"))
        if isinstance(event, ScalarEvent):
            return self._scalar(place, event)
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            return self._open(place, event)
        if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            self._stack.pop()
            self._keys.pop()
        return True

    def _open(self, place: Place, event: Any) -> bool:
        if len(self._stack) >= MAX_DEPTH:
            self._document.say(place, f"nested deeper than {MAX_DEPTH} levels; a definition never needs that")
            return False
        if self._stack and self._stack[-1].entries is not None and self._keys[-1] is None:
            self._document.say(place, "a key must be a plain word", "quote texts that hold ': ', '{' or '}'")
            return False
        is_map = isinstance(event, MappingStartEvent)
        node = Node(place, flow_style=bool(event.flow_style))
        if is_map:
            node.entries = {}
        else:
            node.items = []
        self._add(node)
        self._stack.append(node)
        self._keys.append(None)
        return True

    def _scalar(self, place: Place, event: Any) -> bool:
        quoted = bool(event.style)
        top = self._stack[-1] if self._stack else None
        if top is not None and top.entries is not None and self._keys[-1] is None:
            self._key(place, event.value, top.entries)
            return True
        value = event.value if quoted else self._resolve(place, event.value)
        return self._add(Node(place, value=value, quoted=quoted))

    def _key(self, place: Place, key: str, entries: dict[str, tuple[Place, Node]]) -> None:
        if key == "<<":
            self._document.say(place, "merging with '<<' is not used in flows", "use tables, recipes or include")
        elif key in entries:
            first = entries[key][0].line + 1
            self._document.say(place, f"the same key {key!r} is written twice; first in line {first}", "keep one")
        self._keys[-1] = (place, key)

    def _add(self, node: Node) -> bool:
        if not self._stack:
            self._root = node
            return True
        top = self._stack[-1]
        if top.items is not None:
            top.items.append(node)
        elif top.entries is not None:
            key = self._keys[-1]
            if key is None:
                self._document.say(node.place, "an alias cannot be a key", "write the key itself")
                return False
            if key[1] != "<<":
                top.entries[key[1]] = (key[0], node)
            self._keys[-1] = None
        return True

    def _resolve(self, place: Place, text: str) -> Any:
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if len(text) < 400:
            if _INT.fullmatch(text):
                return int(text)
            if _HEX_OCT.fullmatch(text):
                return int(text, 0)
            if _FLOAT.fullmatch(text):
                number = float(text)
                if math.isfinite(number):
                    return number
        if _NOT_FINITE.fullmatch(text) or _FLOAT.fullmatch(text):
            self._document.say(place, f"{text[:40]} is not a number that can be measured", "write a finite number")
        return text
