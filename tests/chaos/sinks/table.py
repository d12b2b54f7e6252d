"""The rows of a run of sinks in trouble: as JSON in build/chaos-sinks.json and as a table."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

BUILD = Path("build/chaos-sinks.json")


@dataclass(frozen=True)
class Sufferance:
    """What was done to one sink for so many `seconds`, and how every other place fared meanwhile.

    `push_p50` and `push_p99` are the seconds from a reading that raises an alarm until a client of
    the WebSocket has it, `slowest_p99` the same of the slowest of all places but the sink itself.
    `recovery` is the time until the sink had everything; `repeated` counts deliveries that came
    again, `cpu` the flow's cores in use. `lost` and `doubled` are counted at the end of all.
    """

    sink: str
    words: str
    seconds: int
    raised: int
    push_p50: float
    push_p99: float
    slowest: str
    slowest_p99: float
    recovery: float
    repeated: int
    dead_letters: int
    cpu: float
    lost: int
    doubled: int
    date: str
    machine: str

    @property
    def good(self) -> bool:
        """Whether nothing was lost or doubled."""
        return self.lost == self.doubled == 0


HEAD = (
    "sink", "what was done", "for, s", "alarms raised", "to WebSocket, p50/p99 s",
    "slowest other, p99 s", "lost", "doubled", "delivered again", "dead letters", "caught up, s",
)  # fmt: skip


def table(rows: list[Sufferance]) -> str:
    """The rows as a Markdown table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---|---|" + "---:|" * (len(HEAD) - 2)]
    for row in rows:
        cells = (
            row.sink, row.words, str(row.seconds), str(row.raised),
            f"{row.push_p50:.2f} / {row.push_p99:.2f}", f"{row.slowest}, {row.slowest_p99:.2f}",
            str(row.lost), str(row.doubled), str(row.repeated), str(row.dead_letters),
            f"{row.recovery:g}",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def save(rows: list[Sufferance], path: Path = BUILD) -> None:
    """Put the rows into the file, in place of older ones of the same trouble."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = {(row.sink, row.words) for row in rows}
    kept = [row for row in load(path) if (row.sink, row.words) not in new] if path.exists() else []
    path.write_text(json.dumps([asdict(row) for row in [*kept, *rows]], indent=1) + "\n")


def load(path: Path = BUILD) -> list[Sufferance]:
    """The rows of the last run; raises `FileNotFoundError` if there was none."""
    return [Sufferance(**row) for row in json.loads(path.read_text())]
