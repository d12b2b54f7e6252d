"""The result of a run of cameras under fire: as JSON in build/chaos-cameras.json and as a table."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

BUILD = Path("build/chaos-cameras.json")
HEAD = (
    "passes", "kills of capture, detection, flow", "pictures taken", "looked at", "one event",
    "lost", "doubled", "two, around a break", "seen by nobody", "of them not told",
    "evidence stored", "said to be lost", "neither",
)  # fmt: skip


@dataclass(frozen=True)
class Passes:
    """What became of the passes before `cameras` cameras, and of the evidence of their events."""

    cameras: int
    seconds: float
    passes: int
    kills: dict[str, int]
    taken: int
    looked: int
    told: int
    lost: int
    doubled: int
    broken: int
    unseen: int
    untold: int
    stored: int
    said_lost: int
    neither: int
    date: str
    machine: str

    @property
    def good(self) -> bool:
        """Whether no event was lost or doubled, and all else is stored or told to be missing."""
        return self.lost == self.doubled == self.untold == self.neither == 0


def table(row: Passes) -> str:
    """The result as a Markdown table."""
    cells = (
        row.passes, " / ".join(map(str, row.kills.values())), row.taken, row.looked, row.told,
        row.lost, row.doubled, row.broken, row.unseen, row.untold, row.stored, row.said_lost,
        row.neither,
    )  # fmt: skip
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---:|" * len(HEAD)]
    return "\n".join([*lines, "| " + " | ".join(map(str, cells)) + " |"])


def save(row: Passes) -> None:
    """Write it down."""
    BUILD.parent.mkdir(parents=True, exist_ok=True)
    BUILD.write_text(json.dumps(asdict(row), indent=1) + "\n", encoding="utf-8")


def load() -> Passes:
    """The last run; raises `FileNotFoundError` if there was none."""
    return Passes(**json.loads(BUILD.read_text(encoding="utf-8")))
