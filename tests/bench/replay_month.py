"""A month of readings in ClickHouse, and what a replay of it must find, counted in SQL by brute
force.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

SUBJECTS = 1000
START = 1_790_812_800  # 2026-10-01 00:00 UTC
DAYS = 30
BEFORE, AFTER, CLEAR = 30.0, 29.5, 28.0
Query = Callable[[str], str]


class Raised(NamedTuple):
    """An alarm: its subject, and from when to when in µs since 1970; 0 for still."""

    subject: str
    raised: int
    cleared: int


class Month(NamedTuple):
    """The alarms of each limit, and what differs: only before, only after, moved, the same."""

    before: list[Raised]
    after: list[Raised]
    difference: tuple[int, int, int, int]


def fill(query: Query, table: str, count: int) -> None:
    """Put `count` readings of `SUBJECTS` rooms into a table of readings: each a wave of four
    days or so, with noise.
    """
    micro = DAYS * 86_400_000_000 // count
    query(
        f"INSERT INTO {table} (id, time, subject, metric, value, unit, quality) SELECT concat('r',"
        f" toString(number)), fromUnixTimestamp64Micro(toInt64({START}000000 + number * {micro}),"
        f" 'UTC'), concat('room_', toString(number % {SUBJECTS})), 'temperature', round(25.5 + 4.5"
        f" * sin(2 * pi() * (number / {count} * 8 + (number % {SUBJECTS}) / {SUBJECTS})) +"
        f" (cityHash64(number) % 1000) / 1000 * 1.5 - 0.75, 2), '°C', 'good' FROM numbers({count})"
    )


def counted(query: Query, table: str) -> Month:
    """What SQL counts on the same table."""
    before, after = (_alarms(query, table, above) for above in (BEFORE, AFTER))
    old, new = (f"({_episodes(table, above)})" for above in (BEFORE, AFTER))
    row = query(
        "SELECT countIf(o.raised = 0), countIf(n.raised = 0), countIf(o.raised != 0 AND n.raised"
        f" != 0 AND o.raised != n.raised), countIf(o.raised = n.raised) FROM {old} AS o FULL JOIN"
        f" {new} AS n ON o.subject = n.subject AND o.cleared = n.cleared FORMAT TSV"
    ).split()
    only_after, only_before, moved, same = map(int, row)
    return Month(before, after, (only_before, only_after, moved, same))


def _alarms(query: Query, table: str, above: float) -> list[Raised]:
    rows = query(f"{_episodes(table, above)} ORDER BY raised, subject FORMAT TSV").splitlines()
    return [
        Raised(subject, int(raised), int(cleared))
        for subject, raised, cleared in (row.split("\t") for row in rows)
    ]


def _episodes(table: str, above: float) -> str:
    """Crossings with hysteresis: above the limit is on, at or under the clear level off, between
    them as before.
    """
    window = (
        "OVER (PARTITION BY subject ORDER BY time ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    )
    ahead = (
        "OVER (PARTITION BY subject ORDER BY time ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)"
    )
    marks = (
        f"SELECT subject, time, multiIf(value > {above}, 1, value <= {CLEAR}, 0, NULL) AS mark FROM"
        f" {table}"
    )
    states = (
        f"SELECT subject, time, ifNull(last_value(mark) IGNORE NULLS {window}, 0) AS state FROM"
        f" ({marks})"
    )
    edges = f"SELECT subject, time, state, lagInFrame(state, 1, 0) {window} AS was FROM ({states})"
    spans = (
        "SELECT subject, toUnixTimestamp64Micro(time) AS raised,"
        f" leadInFrame(toUnixTimestamp64Micro(time), 1, 0) {ahead} AS cleared, state FROM ({edges})"
        " WHERE state != was"
    )
    return f"SELECT subject, raised, cleared FROM ({spans}) WHERE state = 1"


def definition(folder: Path, above: float, table: str) -> Path:
    """A flow with this limit over the table."""
    path = folder / f"hot_{above:g}.yaml"
    path.write_text(
        "vigie: 1\nflow: hot\nsources: {rooms: {simulate: {every: 5s, signals:"
        " {room/temperature: {random: 17..24 °C}}}}}\nalarms:\n  hot: {from: rooms, when:"
        f" {{above: {above:g} °C, clear: {CLEAR:g} °C}}, response: Cool it.}}\nsinks: {{history:"
        f" {{from: rooms, clickhouse: {table}}}}}\n"
    )
    return path


def command(folder: Path, site: Path, table: str, *options: str) -> list[str]:
    """The replay of the month with the limit changed from `BEFORE` to `AFTER`."""
    old, new = definition(folder, BEFORE, table), definition(folder, AFTER, table)
    times = ["--from", "2026-10-01T00:00Z", "--to", "2026-10-31T00:00Z", "--near", "0s"]
    words = [
        sys.executable,
        "-m",
        "flows.cli",
        "replay",
        str(new),
        "--against",
        str(old),
        "--site",
        str(site),
        "--json",
    ]
    return [*words, *times, *options]


def replayed(words: list[str]) -> dict[str, Any]:
    """Run it and read its JSON."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"exit code {done.returncode}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any], month: Month) -> None:
    """Raise `AssertionError` where a replay does not say what SQL counts."""
    against = found["against"]
    sizes = (
        len(against["only_before"]),
        len(against["only_after"]),
        len(against["moved"]),
        against["same"],
    )
    if sizes != month.difference:
        raise AssertionError(f"the difference is {sizes}, SQL counts {month.difference}")
    ours = sorted(
        Raised(one["subject"], _micro(one["raised"]), _micro(one["cleared"]))
        for one in found["alarms"]
    )
    if ours != sorted(month.after):
        raise AssertionError(
            f"{len(ours)} alarms, SQL finds {len(month.after)}, and they are not the same"
        )
    kept = {(one["subject"], one["raised"]) for one in against["only_after"]} | {
        (one["after"]["subject"], one["after"]["raised"]) for one in against["moved"]
    }
    unmoved = sum((one["subject"], one["raised"]) not in kept for one in found["alarms"])
    if unmoved != against["same"] or against["alarms"] != len(month.before):
        raise AssertionError(
            f"{unmoved} alarms did not move, {against['same']} are called the same"
        )


def _micro(written: str | None) -> int:
    from datetime import datetime

    return 0 if written is None else round(datetime.fromisoformat(written).timestamp() * 1_000_000)
