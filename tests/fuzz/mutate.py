"""Mutations that keep an input's form, so that the fuzzer gets past its parser."""

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 21.5, 1e308, -1e308, 2**63, 10**30, 10**400, 1e-300,
    float("nan"), float("inf"), "", " ",
    "ON", "off",
    "open", "close", "stop", "lock", "nan", "-inf", "21.5", "21,5", "1e999", "1_0", "unknown",
    "unavailable", "none", "°F", "K",
    "kWh", "mV", "Pa", "%", "new", "end", "single", "L", "long_push", "true", "offline",
    "2026-03-01T10:00:00Z",
    "2026.03.01 10:00:00",
    1772366400, 1772366400000, "1772366400.5", "a#b", "é", "e\u0301", "\ud800", "\u0000", "x" * 65,
    [], {}, [[]], [{}], {"": {}},
)  # fmt: skip


def in_json(value: Any, keys: Sequence[str], dice: Random) -> Any:
    """The value with one change somewhere in its tree: another scalar, key, or place."""
    spots: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        inner = todo.pop()
        items = (
            inner.items()
            if isinstance(inner, dict)
            else enumerate(inner)
            if isinstance(inner, list)
            else ()
        )
        for key, child in items:
            spots.append((inner, key))
            todo.append(child)
    if not spots or dice.random() < 0.05:
        return dice.choice(
            ({dice.choice(keys): value}, [value, copy.deepcopy(value)], _scalar(dice))
        )
    holder, key = dice.choice(spots)
    change = dice.randrange(7)
    if change < 3:
        holder[key] = _other(holder[key], dice)
    elif change == 3:
        del holder[key]
    elif change == 4:
        holder[key] = dice.choice(
            (
                {dice.choice(keys): holder[key]},
                [holder[key]],
                [copy.deepcopy(holder[key]) for _ in range(3)],
            )
        )
    elif isinstance(holder, dict):
        holder[dice.choice(keys)] = (
            copy.deepcopy(holder[key]) if dice.random() < 0.5 else _scalar(dice)
        )
        if change == 6:
            holder.pop(key, None)
    else:
        holder.insert(key, _scalar(dice))
    return value


def _scalar(dice: Random) -> Any:
    return copy.deepcopy(dice.choice(SCALARS))


def _other(value: Any, dice: Random) -> Any:
    if isinstance(value, str) and value and dice.random() < 0.4:
        at = dice.randrange(len(value))
        return (
            value[:at]
            + dice.choice(("", "_", "/", "#", "1", "0x", " ", ":", "é", value))
            + value[at + dice.randrange(2) :]
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool) and dice.random() < 0.4:
        return dice.choice((-value, value * 1000, value + 1, str(value)))
    return _scalar(dice)


def dumped(value: Any, dice: Random) -> bytes:
    """The value as JSON text, in one of the ways programs write it."""
    text = json.dumps(
        value, ensure_ascii=dice.random() < 0.3, separators=dice.choice(((",", ":"), (", ", ": ")))
    )
    return text.encode("utf-8", "replace")


def json_mutator(
    keys: Sequence[str],
) -> Callable[[bytes, int, Random, Callable[[bytes, int], bytes]], bytes]:
    """Mutates a JSON text as a tree, every third time as bytes."""

    def mutate(
        data: bytes, longest: int, dice: Random, any_bytes: Callable[[bytes, int], bytes]
    ) -> bytes:
        if dice.random() < 0.65:
            try:
                value = json.loads(data)
            except (ValueError, RecursionError):
                return any_bytes(data, longest)
            for _ in range(dice.choice((1, 1, 1, 2, 4))):
                value = in_json(value, keys, dice)
            made = dumped(value, dice)
            if len(made) <= longest:
                return made
        return any_bytes(data, longest)

    return mutate


def lines_mutator(lines: Sequence[bytes], words: Sequence[bytes]) -> Any:
    """Mutates a text of lines: swaps, doubles, removes or indents lines, takes known ones in,
    changes the value after a colon.
    """

    def mutate(
        data: bytes, longest: int, dice: Random, any_bytes: Callable[[bytes, int], bytes]
    ) -> bytes:
        if dice.random() < 0.25:
            return any_bytes(data, longest)
        text = data.split(b"\n")
        for _ in range(dice.choice((1, 1, 2, 3))):
            at, other = dice.randrange(len(text)), dice.randrange(len(text))
            change = dice.randrange(8)
            if change == 0:
                text[at], text[other] = text[other], text[at]
            elif change == 1:
                text.insert(other, text[at])
            elif change == 2 and len(text) > 1:
                del text[at]
            elif change == 3:
                text[at] = dice.choice((b"  " + text[at], text[at].removeprefix(b"  ")))
            elif change == 4:
                text.insert(at, dice.choice(lines))
            else:
                text[at] = _changed(text[at], words, dice)
        made = b"\n".join(text)
        return made if len(made) <= longest else any_bytes(data, longest)

    return mutate


def _changed(line: bytes, words: Sequence[bytes], dice: Random) -> bytes:
    before, colon, after = line.partition(b":")
    if not colon:
        return line + dice.choice(words)
    if dice.random() < 0.3:
        indent = before[: len(before) - len(before.lstrip(b" -"))]
        return indent + dice.choice(words) + colon + after
    return before + b": " + dice.choice(words)
