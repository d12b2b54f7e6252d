"""The inputs found, kept as one text file a target: an input a line, in base64."""

import base64
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "data" / "fuzz"
MOST_BYTES = 100_000


def inputs(name: str) -> list[bytes]:
    """The kept inputs of a target; none if there are none."""
    path = FOLDER / f"{name}.txt"
    if not path.exists():
        return []
    return [base64.b64decode(line, validate=True) for line in path.read_text(encoding="ascii").splitlines()]


def keep(name: str, found: Iterable[bytes], most: int) -> int:
    """Write the inputs, the shortest first, up to `most` and the limit of bytes; returns how many."""
    lines: list[str] = []
    size = 0
    for data in sorted(set(found), key=lambda data: (len(data), data)):
        line = base64.b64encode(data).decode("ascii")
        size += len(line) + 1
        if len(lines) == most or size > MOST_BYTES:
            break
        lines.append(line)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    return len(lines)
