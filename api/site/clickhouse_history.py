"""Queries of ClickHouse: the course of a signal, and the last transition of every alarm."""

import asyncio
import json
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from api.permissions.private_rules import hide_private
from api.permissions.visibility import EVERYTHING, Visibility
from api.site.visible_rows import visible_rows
from api.topics.lasting_changes import KINDS
from api.web.errors import Unavailable
from operators.events import AlarmTransition

PING_EVERY = 3.0
PATIENCE = 1.0
"""Seconds for an answer when somebody asks how the api is; probes wait as little as that."""
ALARM_DAYS = 90
ALARM_ROWS = 20_000

# Table and column names are ours; everything a client chooses is a bound parameter.
_COURSE = """
SELECT intDiv(toUnixTimestamp64Micro(time) - {start:Int64}, {step:Int64}) AS bucket,
       max(toUnixTimestamp64Micro(time)) / 1e6 AS at,
       avg(value) AS mean, min(value) AS low, max(value) AS high,
       argMax(value, time) AS last, count() AS readings,
       argMax(text, time) AS last_text, argMax(unit, time) AS last_unit
FROM readings FINAL
WHERE subject = {subject:String} AND metric = {metric:String}
  AND time >= fromUnixTimestamp64Micro({start:Int64})
  AND time < fromUnixTimestamp64Micro({end:Int64})
  AND quality != 'bad' AND VISIBLE
GROUP BY bucket ORDER BY bucket LIMIT {limit:UInt32}
"""
_CHANGED = """
SELECT * EXCEPT (time, recorded, until), toUnixTimestamp64Micro(time) / 1e6 AS time,
       toUnixTimestamp64Micro(recorded) / 1e6 AS recorded,
       toUnixTimestamp64Micro(alarm_events.until) / 1e6 AS until
FROM alarm_events WHERE alarm_events.time > now() - INTERVAL {days:UInt32} DAY
"""
_ORDER = "ORDER BY alarm_events.recorded DESC, seq DESC LIMIT 1 BY rule, subject"
_LIMIT = " LIMIT {rows:UInt32}"
_HOLDING = """
AND (event IN {events:Array(String)} OR comment != '') AND (rule, subject) IN (
  SELECT rule, subject FROM alarm_events
  WHERE alarm_events.time > now() - INTERVAL {days:UInt32} DAY
  GROUP BY rule, subject HAVING argMax(isa, (recorded, seq)) NOT IN ('A', '-')
)
"""
_ALARMS = _CHANGED + _ORDER + _LIMIT
_LASTING = _CHANGED + _HOLDING + _ORDER + ", event, comment = ''" + _LIMIT
UNREACHABLE = (ClickHouseError, HTTPError, OSError)
NOT_THERE = ("Code: 60.", "Code: 81.", "UNKNOWN_TABLE", "UNKNOWN_DATABASE")


class NothingYet(Unavailable):
    """ClickHouse answers, but does not have the table yet."""


class ClickHouseHistory:
    """Query ClickHouse in threads, with one client that is opened again after it failed."""

    def __init__(self, connect: Callable[[], Any] | None, address: str) -> None:
        self._connect = connect
        self._address = address
        self._client: Any = None
        self._lock = threading.Lock()
        self._checked = -math.inf
        self._check: asyncio.Task[None] | None = None
        self.detail = "not asked yet"

    @property
    def configured(self) -> bool:
        """Whether a ClickHouse is configured."""
        return self._connect is not None

    async def up(self) -> bool:
        """Whether ClickHouse answers, within `PATIENCE`; asked at most every `PING_EVERY` seconds.

        Whoever asks how the api is must not wait for what it can do without.
        """
        if self._check is None and time.monotonic() - self._checked > PING_EVERY:
            self._check = asyncio.create_task(self._ask())
        if self._check is not None:
            await asyncio.wait({self._check}, timeout=PATIENCE)
        if self._check is not None:
            self.detail = f"no answer from ClickHouse at {self._address} within {PATIENCE:g} s"
        return not self.detail

    async def _ask(self) -> None:
        try:
            await asyncio.to_thread(self._query, "SELECT 1", {})
            self.detail = ""
        except NothingYet:
            self.detail = ""
        except Unavailable as error:
            self.detail = str(error)
        finally:
            self._checked = time.monotonic()
            self._check = None

    async def course(
        self,
        subject: str,
        metric: str,
        start: float,
        end: float,
        points: int,
        visibility: Visibility = EVERYTHING,
    ) -> dict[str, Any]:
        """At most `points` + 1 points over [start, end), in epoch seconds.

        Points are `[time, mean, lowest, highest, readings]`, `ends` their last values; text states
        are `[time, text]` in `texts`. Raises `Unavailable`.
        """
        step = max(1, math.ceil((end - start) * 1e6 / points))
        bound = {
            "subject": subject,
            "metric": metric,
            "start": int(start * 1e6),
            "end": int(end * 1e6),
        }
        seen, bound_seen = visible_rows(visibility)
        rows = await asyncio.to_thread(
            self._query,
            _COURSE.replace("VISIBLE", " AND ".join(["1", *seen])),
            {**bound, **bound_seen, "step": step, "limit": points + 1},
        )
        unit = next((row["last_unit"] for row in reversed(rows) if row["last_unit"]), None)
        numbers = [
            [r["at"], r["mean"], r["low"], r["high"], r["readings"]]
            for r in rows
            if r["mean"] is not None
        ]
        ends = [row["last"] for row in rows if row["mean"] is not None]
        texts = [[r["at"], r["last_text"]] for r in rows if r["mean"] is None and r["last_text"]]
        head = {
            "subject": subject,
            "metric": metric,
            "unit": unit,
            "from": start,
            "to": end,
            "step": step / 1e6,
        }
        return {**head, "points": numbers, "ends": ends, "texts": texts}

    async def alarms(self) -> list[AlarmTransition]:
        """The last transition of every alarm of the last `ALARM_DAYS` days.

        Earlier ones that may still hold come after them. Raises `Unavailable`.
        """
        bound = {"days": ALARM_DAYS, "rows": ALARM_ROWS, "events": [*KINDS]}
        rows = [
            row
            for statement in (_ALARMS, _LASTING)
            for row in await asyncio.to_thread(self._query, statement, bound)
        ]
        return [hide_private(_transition(row)) for row in rows]

    async def rows(self, statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a statement; none while the table does not exist. Raises `Unavailable`.

        Whatever a client chose must be a bound parameter.
        """
        try:
            return await asyncio.to_thread(self._query, statement, parameters)
        except NothingYet:
            return []

    def close(self) -> None:
        """Close the client."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _query(self, statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        if self._connect is None:
            raise Unavailable(
                "no ClickHouse is configured; add connections.clickhouse to the site file"
            )
        try:
            with self._lock:
                if self._client is None:
                    self._client = self._connect()
                client = self._client
            return list(client.query(statement, parameters=parameters).named_results())
        except UNREACHABLE as error:
            self._forget()
            if any(code in str(error) for code in NOT_THERE):
                raise NothingYet(
                    "the table is not there yet; a flow with a clickhouse sink makes it"
                ) from error
            raise Unavailable(
                f"no answer from ClickHouse at {self._address} ({type(error).__name__})"
            ) from error

    def _forget(self) -> None:
        with self._lock:
            self._client = None


def _transition(row: dict[str, Any]) -> AlarmTransition:
    values = {
        name: row[name]
        for name in AlarmTransition.__struct_fields__
        if row.get(name) not in (None, "")
    }
    values["value"] = _value(str(row.get("value", "")))
    values["evidence"] = json.loads(row.get("evidence") or "{}")
    values["labels"] = dict(row.get("labels") or {})
    return msgspec.convert(values, AlarmTransition, strict=False)


def _value(text: str) -> float | str | bool | None:
    """A value as the alarm table keeps it: numbers and truths as JSON, words as they are."""
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return text
    return value if value is None or isinstance(value, (int, float, bool)) else text
