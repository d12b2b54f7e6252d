"""The limits and spans of an alarm as its definition writes them, and others in their place."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.config.document import Document, Node
from connectors.config.edit import with_value, written
from connectors.runtime.supervisor import Limit
from operators.model.units import duration

LIMITS = ("above", "below", "outside", "inside", "clear")
SPANS = ("for", "clear_for", "silent", "seen")
OF_LEVELS = ("escalate_after", "deescalate_after")
_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?)(\s*)(\S*)")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")
_SPAN = re.compile(r"(\d+(\.\d+)?(ms|s|min|h|d|w))+")
Path_ = tuple[str | int, ...]


class NoLimit(ValueError):
    """What is no limit of the alarm, or cannot stand there; the message has the remedy."""


def limits_of(text: str, alarm: str) -> list[Limit]:
    """What can be changed of an alarm; raises `NoLimit`."""
    root = Document("").parse(text)
    entry = root and (alarms := root.get("alarms")) and alarms.get(alarm)
    if not entry:
        raise NoLimit(f"there is no alarm {alarm!r} in the definition that runs")
    found = [
        limit
        for path, node in _places(entry)
        if (limit := _limit(text, alarm, path, node)) is not None
    ]
    if not found:
        raise NoLimit(
            f"the alarm {alarm!r} has no limit in its definition: it stands in rows that people"
            " write, in a table, or in a stream; change it there"
        )
    return found


def with_limits(text: str, alarm: str, values: Mapping[str, str]) -> str:
    """The definition with other values at their places, and nothing else changed.

    Raises `NoLimit`.
    """
    known = {limit.place: limit for limit in limits_of(text, alarm)}
    for place, value in values.items():
        limit = known.get(place)
        if limit is None:
            raise NoLimit(f"{alarm} has no limit {place!r}; it has {', '.join(known)}")
        if value == limit.value:
            continue
        if limit.unit is None:
            _check_span(place, value)
        elif not _NUMBER.fullmatch(value):
            raise NoLimit(f"{place}: needs a number such as 30 or 30.5; got {value!r}")
        path = ("alarms", alarm, *_path(place))
        raw = written(text, path) or ""
        quote = raw[0] if raw[:1] in ("'", '"') else ""
        unit = raw[len(quote) + len(limit.value) :] if limit.unit else quote
        text = with_value(text, path, f"{quote}{value}{unit}")
    return text


def _check_span(place: str, value: str) -> None:
    try:
        duration(value)
    except ValueError as error:
        raise NoLimit(f"{place}: {error}") from None
    if not _SPAN.fullmatch(value):
        raise NoLimit(f"{place}: {value!r} is written without spaces: {value.replace(' ', '')}")


def _path(place: str) -> Path_:
    return tuple(int(part) if part.isdigit() else part for part in place.split("."))


def _places(entry: Node) -> Iterator[tuple[Path_, Node | None]]:
    """Where limits and spans stand, or may stand."""
    when = entry.get("when")
    levels = (entry.get("levels") or Node(entry.place)).items or []
    conditions: list[tuple[Path_, Node]] = [(("when",), when)] if when is not None else []
    conditions += [(("levels", index), level) for index, level in enumerate(levels)]
    for path, condition in conditions:
        for key in LIMITS:
            for below, node in _scalars(condition.get(key)):
                yield (*path, key, *below), node
    for key in SPANS:
        held = when.get(key) if when is not None else None
        judges = when is not None and any(when.get(kind) for kind in (*LIMITS, "is"))
        if held is not None or (key == "for" and judges):
            yield ("when", key), held
    for key in OF_LEVELS:
        if (held := entry.get(key)) is not None:
            yield (key,), held


def _scalars(node: Node | None) -> Iterator[tuple[Path_, Node]]:
    """A limit itself, the two of a range, or what stands in for a column."""
    if node is None:
        return
    if node.items is not None:
        yield from (((index,), item) for index, item in enumerate(node.items))
    elif node.entries is not None:
        if (default := node.get("default")) is not None:
            yield ("default",), default
    else:
        yield (), node


def _limit(text: str, alarm: str, path: Path_, node: Node | None) -> Limit | None:
    place = ".".join(map(str, path))
    if node is None:
        return Limit(place, "")
    value: Any = node.value
    if path[-1] in (*SPANS, *OF_LEVELS):
        return Limit(place, str(value)) if isinstance(value, str) else None
    raw = written(text, ("alarms", alarm, *path))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Limit(place, str(raw), "")
    parts = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    return Limit(place, parts[1], parts[3]) if parts else None
