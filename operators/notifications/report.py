"""The text of a notification, as people read it."""

from collections.abc import Mapping
from typing import Any

from operators.model.priority import PRIORITIES

MOST_LISTED = 20
"""So many alarms are written out in `text`; `raised` and `over` have all."""
_ALSO = (("condition", "condition"), ("to do", "response"), ("open", "link"))
"""What is said below an alarm that stands, and where it is found."""


def report(kind: str, raised: list[dict[str, Any]], over: list[dict[str, Any]]) -> str:
    """The text of a notification, a line for each alarm, the most urgent first."""
    head = {"flood_on": "flood: ", "repeat": "still not acknowledged: "}.get(kind, "")
    lines = [head + _counts(len(raised), len(over))]
    ordered = sorted(raised, key=lambda one: (-PRIORITIES.index(one["priority"]), one["since"]))
    listed = [*ordered, *over][:MOST_LISTED]
    for number, one in enumerate(listed):
        word = one["priority"] if number < len(ordered) else "over"
        lines.append(f"{word}: {one['message'] or _line(one)}")
        if number < len(ordered):
            lines += [f"  {name}: {one[key]}" for name, key in _ALSO if one[key]]
    if more := len(raised) + len(over) - len(listed):
        lines.append(f"and {more} more")
    return "\n".join(lines)


def _counts(raised: int, over: int) -> str:
    """`1 alarm raised`, `3 alarms raised, 1 over`, `1 alarm over`."""
    counted = f"{raised or over} {'alarm' if (raised or over) == 1 else 'alarms'}"
    if not over:
        return f"{counted} raised"
    return f"{counted} raised, {over} over" if raised else f"{counted} over"


def _line(one: Mapping[str, Any]) -> str:
    value = one["value"]
    if value is None:
        return f"{one['alarm']} of {one['subject']}"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return (
        f"{one['alarm']} of {one['subject']} at {shown}{' ' + one['unit'] if one['unit'] else ''}"
    )
