"""Changing one value in the text of a YAML file, with everything else as people wrote it."""

from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


class NotEditable(Exception):
    """The place cannot be found in the text; the message says what is there."""


Key = str | int


def written(text: str, path: Sequence[Key]) -> str | None:
    """The single value at a path of keys as it is written, quotes included; None without one."""
    node: Any = YAML(typ="rt").compose(text)
    for key in path:
        node = _get(node, key)
    if not isinstance(node, ScalarNode):
        return None
    start, end = _span(node)
    return text[start:end]


def with_value(
    text: str, path: Sequence[Key], value: str, short: str | None = None, there: int = 0
) -> str:
    """The text with `value` (a plain word) at a path of keys, which is made where it is not there.

    A number is the place of an entry in a list, which is never made.

    Where a bare scalar stands in the place of the map that holds the last key, it becomes the value
    of the key `short`. So many keys of the path must be `there`. Raises `NotEditable`.
    """
    node: Any = YAML(typ="rt").compose(text)
    for number, key in enumerate(path):
        found = _get(node, key)
        if found is None and number < there:
            raise NotEditable(
                f"{_dotted(path[: number + 1])} is not in this file; where it is included from"
                " another, change it there"
            )
        if found is None:
            return _insert(text, node, key, _nested(path[number + 1 :], value), path[:number])
        if isinstance(found, ScalarNode) and number == len(path) - 2 and short:
            start, end = _span(found)
            return f"{text[:start]}{{{short}: {text[start:end]}, {path[-1]}: {value}}}{text[end:]}"
        node = found
    if not isinstance(node, ScalarNode):
        raise NotEditable(f"{_dotted(path)} is no single value")
    start, end = _span(node)
    return text[:start] + value + text[end:]


def _dotted(path: Sequence[Key]) -> str:
    return ".".join(map(str, path))


def _get(node: Any, key: Key) -> Node | None:
    if isinstance(node, SequenceNode) and isinstance(key, int):
        return node.value[key] if key < len(node.value) else None
    if not isinstance(node, MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _nested(path: Sequence[Key], value: str) -> str:
    for key in reversed(path):
        value = f"{{{key}: {value}}}"
    return value


def _insert(text: str, node: Any, key: Key, value: str, where: Sequence[Key]) -> str:
    if not isinstance(node, MappingNode):
        raise NotEditable(f"expected a map of keys at {_dotted(where) or 'the beginning'}")
    if node.flow_style:
        end = node.end_mark.index - 1
        before = text[:end].rstrip()
        comma = "" if before.endswith(("{", ",")) else ","
        space = "" if before.endswith("{") else " "
        return f"{before}{comma}{space}{key}: {value}{text[end:]}"
    last_key, last = node.value[-1]
    indent = " " * last_key.start_mark.column
    if isinstance(last, ScalarNode) or getattr(last, "flow_style", False):
        end = text.find("\n", last.end_mark.index)
        end = len(text) if end < 0 else end
        return f"{text[:end]}\n{indent}{key}: {value}{text[end:]}"
    start = node.value[0][0].start_mark.index
    return f"{text[:start]}{key}: {value}\n{indent}{text[start:]}"


def _span(node: ScalarNode) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index
