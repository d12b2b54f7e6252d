"""Reads InfluxDB's line protocol as InfluxDB does."""

from collections.abc import Callable
from typing import Any


def parse(line: str) -> tuple[str, dict[str, str], dict[str, Any], int]:
    """Read a line as InfluxDB does: measurement, tags, fields, time."""
    at = 0

    def word(stop: str) -> str:
        nonlocal at
        out = ""
        while line[at] not in stop:
            if line[at] == "\\" and line[at + 1] in ", =":
                at += 1
            out += line[at]
            at += 1
        return out

    def value() -> Any:
        nonlocal at
        if line[at] != '"':
            found = word(", ")
            return found == "true" if found in ("true", "false") else float(found)
        at += 1
        out = ""
        while line[at] != '"':
            at += line[at] == "\\" and line[at + 1] in '\\"'
            out += line[at]
            at += 1
        at += 1
        return out

    def pairs(end: str, read: Callable[[], Any]) -> dict[str, Any]:
        nonlocal at
        found = {}
        while True:
            key = word("=")
            at += 1
            found[key] = read()
            at += 1
            if line[at - 1] == end:
                return found

    name = word(", ")
    at += 1
    tags = pairs(" ", lambda: word(", ")) if line[at - 1] == "," else {}
    fields = pairs(" ", value)
    return name, tags, fields, int(line[at:])
