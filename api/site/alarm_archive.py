"""The transitions of alarms in ClickHouse, page by page."""

import json
import math
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from api.permissions.visibility import Visibility
from api.site.clickhouse_history import ClickHouseHistory
from api.site.event_view import micros
from api.site.visible_rows import visible_rows

TransitionKey = tuple[
    Annotated[int, Meta(ge=0, lt=1 << 62)], Annotated[int, Meta(ge=0, lt=1 << 32)], str
]
"""Sort key of a transition: when it was recorded (microseconds), its sequence number, its id."""

_PAGE = """
SELECT * EXCEPT (time, recorded, until), toUnixTimestamp64Micro(alarm_events.time) AS at,
       toUnixTimestamp64Micro(recorded) AS recorded_at, toUnixTimestamp64Micro(until) AS until_at
FROM alarm_events FINAL WHERE {where}
ORDER BY alarm_events.recorded DESC, seq DESC, id DESC LIMIT {{rows:UInt32}}
"""


class TransitionFilter(NamedTuple):
    """Which transitions; None means any. Times in epoch seconds, `start` included, `end` not."""

    rule: str | None = None
    alarm: str | None = None
    subject: str | None = None
    priority: str | None = None
    change: str | None = None
    start: float | None = None
    end: float | None = None

    def statement(
        self, visibility: Visibility, after: TransitionKey | None, rows: int
    ) -> tuple[str, dict[str, Any]]:
        """The statement, and its bound parameters."""
        parts = ["1"]
        bound: dict[str, Any] = {"rows": rows}
        for name in ("rule", "alarm", "subject", "priority", "change"):
            value = getattr(self, name)
            if value is not None:
                parts.append(f"{name} = {{{name}:String}}")
                bound[name] = value
        for name, sign, limit in (("start", ">=", self.start), ("end", "<", self.end)):
            if limit is not None:
                parts.append(f"alarm_events.time {sign} fromUnixTimestamp64Micro({{{name}:Int64}})")
                bound[name] = micros(limit)
        seen, bound_seen = visible_rows(visibility, "if(page != '', page, labels['page'])")
        parts += seen
        bound |= bound_seen
        if after is not None:
            parts.append(
                "(alarm_events.recorded, seq, id) < (fromUnixTimestamp64Micro({at:Int64}),"
                " {seq:UInt32}, {before:String})"
            )
            bound |= dict(zip(("at", "seq", "before"), after, strict=True))
        return _PAGE.format(where=" AND ".join(parts)), bound


class AlarmArchive:
    """Read the table `alarm_events`."""

    def __init__(self, history: ClickHouseHistory) -> None:
        self._history = history

    async def page(
        self,
        wanted: TransitionFilter,
        visibility: Visibility,
        after: TransitionKey | None,
        rows: int,
    ) -> tuple[list[dict[str, Any]], TransitionKey | None]:
        """At most `rows` transitions as plain JSON values, newest first, and where the page ends.

        The key is None on the last page. Raises `Unavailable`.
        """
        found = await self._history.rows(*wanted.statement(visibility, after, rows))
        last = found[-1] if len(found) == rows else None
        key = None if last is None else (last["recorded_at"], last["seq"], last["id"])
        return [_plain(row) for row in found], key


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    values = {
        name: value
        for name, value in row.items()
        if value not in (None, "", []) and not name.endswith("_at")
    }
    values["time"] = values.pop("at") / 1e6
    values["recorded"] = row["recorded_at"] / 1e6
    if row["until_at"] is not None:
        values["until"] = row["until_at"] / 1e6
    values["labels"] = dict(row["labels"] or {})
    values["value"] = value_of(str(row["value"]))
    values["evidence"] = value_of(row["evidence"] or "{}")
    return values


def value_of(text: str) -> Any:
    """A value as the table keeps it: JSON, or a word as it is.

    What JSON cannot hold stays a text.
    """
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, float) and not math.isfinite(value) else value
