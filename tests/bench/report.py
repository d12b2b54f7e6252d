"""The figures of a benchmark run: printed as a table, kept in build/bench.json, one row a name."""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

BUILD = Path("build/bench.json")


@dataclass(frozen=True)
class Figure:
    """One measured value beside a peer's. `bound` is what is demanded, in words or as a number
    of the same unit.
    """

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    bound: str | None = None

    @property
    def ratio(self) -> float | None:
        return round(self.value / self.peer_value, 3) if self.peer_value else None

    def row(self) -> dict[str, object]:
        return {**asdict(self), "ratio": self.ratio, "date": date.today().isoformat()}


def save(figures: list[Figure], path: Path = BUILD) -> None:
    """Put the figures into the file, in place of older ones of the same names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text()) if path.exists() else []
    names = {figure.name for figure in figures}
    rows = [row for row in kept if row["name"] not in names] + [figure.row() for figure in figures]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| what | value | unit | peer | peer's value | ratio | bound |",
        "|---|---:|---|---|---:|---:|---|",
    ]
    for figure in figures:
        peer = _number(figure.peer_value) if figure.peer_value is not None else ""
        cells = [
            figure.name,
            _number(figure.value),
            figure.unit,
            figure.peer or "",
            peer,
            str(figure.ratio or ""),
            figure.bound or "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine() -> str:
    """The size of the machine, as the docs quote it."""
    import os

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores {platform.machine()}, {memory:.0f} GiB, Python"
        f" {platform.python_version()}"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
