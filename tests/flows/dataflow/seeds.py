"""Plays many seeds of a property by command, and says which of them fail."""

import sys
from collections import Counter
from collections.abc import Callable

SHOWN = 5
"""So many failures are written out."""


def play(check: Callable[[int, Counter[str]], None], count: int, first: int = 0) -> int:
    """Check `count` seeds from `first` on; the exit status."""
    said: Counter[str] = Counter()
    wrong = 0
    for seed in range(first, first + count):
        try:
            check(seed, said)
        except Exception as error:
            wrong += 1
            if wrong <= SHOWN:
                sys.stdout.write(f"seed {seed}: {type(error).__name__}: {error}\n")
    sys.stdout.write(", ".join(f"{n} {word}" for word, n in said.most_common()) + "\n")
    sys.stdout.write(f"{count} seeds from {first}: {wrong} wrong\n")
    return 1 if wrong else 0
