"""Builds nodes from YAML text: strict, with every scalar as YAML 1.2 has it.

Anchors, aliases, tags, merges, doubled keys, several documents and directives are refused, each at
its place.
"""

import math
import re
from collections.abc import Callable
from typing import Any

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

from connectors.config.nodes import Node, Place, Text

MAX_DEPTH = 40

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_HEX_OCT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BEGINS_NO_TEXT = re.compile(r""":\s+([-?] |[@%`|>"'])""")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class YamlReader:
    """Builds nodes from parser events, on a stack of its own, so that depth is bounded."""

    def __init__(self, text: Text, say: Callable[..., None]) -> None:
        self._text = text
        self._say = say
        self._stack: list[Node] = []
        self._keys: list[tuple[Place, str] | None] = []
        self._root: Node | None = None
        self._documents = 0

    def read(self, source: str) -> Node | None:
        """Read a document; None if it has an error."""
        try:
            for event in YAML(typ="safe", pure=True).parse(source):
                if not self._take(event):
                    return None
        except MarkedYAMLError as error:
            self._say_unreadable(error)
            return None
        except (YAMLError, ValueError, RecursionError, AssertionError) as error:
            self._say(
                Place(self._text, 0, 0), f"not readable as YAML: {str(error).splitlines()[0]}"
            )
            return None
        if self._root is None:
            self._say(Place(self._text, 0, 0), "the file is empty")
        return self._root

    def _say_unreadable(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        if line >= len(self._text.lines) or (
            not self._text.lines[line].strip() and line == len(self._text.lines) - 1
        ):
            line, column = self._last_place()
        source = self._text.lines[line] if line < len(self._text.lines) else ""
        place = Place(self._text, line, column)
        if "\t" in source[: column + 1]:
            self._say(Place(self._text, line, source.index("\t")), "tabs cannot indent; use spaces")
            return
        problem = re.sub(r"\s+", " ", str(error.problem or error.context or "unexpected text"))
        if "expected <block end>" in problem and source[:column].strip() == "":
            hint: str | None = "indent it exactly as the lines that it belongs with"
        else:
            unquoted = re.search(r"[{}]", source) or "mapping values" in problem
            hint = "quote texts that hold ': ', '{' or '}'" if unquoted else None
            if hint is None and _BEGINS_NO_TEXT.search(source):
                hint = "put the whole text in quotes: it begins with a sign of YAML's own"
        self._say(place, f"not readable as YAML: {problem}", hint)

    def _last_place(self) -> tuple[int, int]:
        lines = [number for number, line in enumerate(self._text.lines) if line.strip()]
        return (lines[-1], len(self._text.lines[lines[-1]].rstrip()) - 1) if lines else (0, 0)

    def _take(self, event: Any) -> bool:
        place = Place(self._text, event.start_mark.line, event.start_mark.column)
        say = self._say
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if event.version or event.tags:
                say(
                    place,
                    "YAML directives (%YAML, %TAG) are not used in definitions",
                    "remove the line",
                )
            if self._documents > 1:
                say(place, "a file holds one document", "put the second one into a file of its own")
                return False
        if isinstance(event, NodeEvent) and (
            getattr(event, "anchor", None) or getattr(event, "tag", None)
        ):
            say(
                place,
                "anchors, aliases and tags are not used in flows",
                "use tables, recipes or include, and quote a text that begins with '*', '&' or '!'",
            )
        if isinstance(event, AliasEvent):
            return self._add(Node(place, value="*"))
        if isinstance(event, ScalarEvent):
            self._check_neighbours(place, event)
            return self._scalar(place, event)
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            return self._open(place, event)
        if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            if self._stack[-1].flow_style:
                self._check_comment(event.end_mark)
            self._stack.pop()
            self._keys.pop()
        return True

    def _check_neighbours(self, place: Place, event: Any) -> None:
        """Refuse what this reader and YAML 1.2 read differently."""
        if event.style in ("'", '"'):
            self._check_comment(event.end_mark)
            return
        in_flow = bool(self._stack) and self._stack[-1].flow_style
        self._check_number_sign(event)
        if in_flow and (
            event.value in ("-", "?") or self._letter(place.line, place.column - 1) == "?"
        ):
            self._say(place, "a '-' or '?' in brackets begins no text", "quote the text")
        elif in_flow and (event.value.endswith(":") or self._begins_with_colon(place, event)):
            self._say(place, "a ':' in brackets neither begins nor ends a text", "quote the text")

    def _begins_with_colon(self, place: Place, event: Any) -> bool:
        before = [self._letter(place.line, place.column - n) for n in (2, 1)]
        return event.value == "" and before[1] == ":" and before[0] in ("{", "[", ",")

    def _check_comment(self, end: Any) -> None:
        if self._letter(end.line, end.column) == "#":
            place = Place(self._text, end.line, end.column)
            self._say(place, "a comment needs a space before its '#'", "put a space there")

    def _check_number_sign(self, event: Any) -> None:
        """Warn of a text that a `#` with a number cuts off, as in `Call room #4`."""
        line, column = event.end_mark.line, event.end_mark.column
        rest = self._text.lines[line][column:] if line < len(self._text.lines) else ""
        if event.value and re.match(r"\s+#[0-9]", rest):
            place = Place(self._text, line, column + rest.index("#"))
            message = "a comment begins here, which is not part of the text"
            self._say(place, message, "quote the text, or put a space behind '#'", level="warning")

    def _letter(self, line: int, column: int) -> str:
        lines = self._text.lines
        return lines[line][column : column + 1] if line < len(lines) and column >= 0 else ""

    def _open(self, place: Place, event: Any) -> bool:
        if len(self._stack) >= MAX_DEPTH:
            self._say(
                place, f"nested deeper than {MAX_DEPTH} levels; a definition never needs that"
            )
            return False
        if self._stack and self._stack[-1].entries is not None and self._keys[-1] is None:
            self._say(place, "a key must be a plain word", "quote texts that hold ': ', '{' or '}'")
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
            self._say(
                place, "merging with '<<' is not used in flows", "use tables, recipes or include"
            )
        elif key in entries:
            first = entries[key][0].line + 1
            self._say(
                place, f"the same key {key!r} is written twice; first in line {first}", "keep one"
            )
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
                self._say(node.place, "an alias cannot be a key", "write the key itself")
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
            self._say(
                place, f"{text[:40]} is not a number that can be measured", "write a finite number"
            )
        return text
