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
    return [
        base64.b64decode(line, validate=True)
        for line in path.read_text(encoding="ascii").splitlines()
    ]


def keep(name: str, found: Iterable[bytes], most: int) -> int:
    """Write the inputs, or where there are more than `most` or than the bytes allow, some of
    every length; returns how many.
    """
    every = sorted(set(found), key=lambda data: (len(data), data))
    count = min(most, len(every))
    while True:
        lines = [
            base64.b64encode(every[n * len(every) // count]).decode("ascii") for n in range(count)
        ]
        if sum(map(len, lines)) + count <= MOST_BYTES:
            break
        count = count * 9 // 10
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    return count
