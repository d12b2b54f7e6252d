"""The rows of a fault run: as JSON in build/chaos.json and as a table for people."""

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

BUILD = Path("build/chaos.json")


@dataclass(frozen=True)
class Row:
    """One source and one sink after all faults.

    `lost` events never arrived; `duplicated` are at the far end more than once after the sink's own
    deduplication;
    `redelivered` payloads without an id came twice from the MQTT broker and are two events, which
    is said and counted;
    `repeated` deliveries were made invisible by the ids; `out_of_order` came after a later event of
    their subject (None where the far end keeps no order). `recovery_s` is the worst and
    `recovery_median_s` the median of the seconds from the end of a fault until everything was
    there, over the faults of flow, source and sink; None if that never was. `recoveries` has all,
    by fault.
    """

    source: str
    sink: str
    faults: str
    sent: int
    stored: int
    lost: int
    duplicated: int
    redelivered: int
    repeated: int | None
    out_of_order: int | None
    recovery_s: float | None
    recovery_median_s: float | None
    recoveries: dict[str, list[float | None]]
    date: str
    machine: str

    @property
    def good(self) -> bool:
        return (
            self.lost == 0
            and self.duplicated == 0
            and not self.out_of_order
            and self.recovery_s is not None
        )


def recovery(times: Sequence[float]) -> tuple[float, float] | tuple[None, None]:
    """Worst and median of the recoveries; None if there was none or one never ended (infinite)."""
    if not times or max(times) == float("inf"):
        return None, None
    return round(max(times), 1), round(statistics.median(times), 1)


def machine() -> str:
    """The machine's size in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB"


def today() -> str:
    return date.today().isoformat()


def save(rows: list[Row], path: Path = BUILD) -> None:
    """Put the rows into the file, in place of older ones of the same source and sink."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = {(row.source, row.sink) for row in rows}
    kept = [row for row in load(path) if (row.source, row.sink) not in new] if path.exists() else []
    path.write_text(
        json.dumps([asdict(row) for row in [*kept, *rows]], indent=1, ensure_ascii=False) + "\n"
    )


def load(path: Path = BUILD) -> list[Row]:
    """The rows of the last run; raises `FileNotFoundError` if there was none."""
    return [Row(**row) for row in json.loads(path.read_text())]


HEAD = (
    "source",
    "sink",
    "sent",
    "stored",
    "lost",
    "duplicated",
    "redelivered",
    "out of order",
    "recovery, s",
)


def cells(row: Row) -> tuple[str, ...]:
    return (
        row.source,
        row.sink,
        f"{row.sent:,}",
        f"{row.stored:,}",
        str(row.lost),
        str(row.duplicated),
        str(row.redelivered),
        "–" if row.out_of_order is None else str(row.out_of_order),
        (
            "never"
            if row.recovery_s is None
            else f"{row.recovery_median_s:g} (worst {row.recovery_s:g})"
        ),
    )


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|" + "---:|" * (len(HEAD) - 2)]
    return "\n".join([*lines, *("| " + " | ".join(cells(row)) + " |" for row in rows)])
