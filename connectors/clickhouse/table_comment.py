"""The comment of a ClickHouse table that says which kind it is and which migrations it has.

It stands in the statement that makes the table, so a table is never without it, whenever the
process that made it was killed.
"""

import re
from dataclasses import dataclass
from typing import Self

_MARK = re.compile(r"Vigie: ([a-z_]+), version (\d+)(, being made)?")


@dataclass(frozen=True)
class TableComment:
    """Kind of table, number of the last migration applied, and whether making it was cut short."""

    kind: str
    number: int
    being_made: bool = False

    @classmethod
    def parse(cls, comment: str) -> Self | None:
        """From the table's comment, in which other words may stand too; None without Vigie's."""
        found = _MARK.search(comment)
        return cls(found[1], int(found[2]), found[3] is not None) if found else None

    def within(self, comment: str) -> str:
        """The comment with this in place of what it said before; other words in it stay."""
        mark = str(self)
        if _MARK.search(comment):
            return _MARK.sub(mark, comment, count=1)
        return f"{comment} {mark}".strip()

    def __str__(self) -> str:
        state = ", being made" if self.being_made else ""
        return f"Vigie: {self.kind}, version {self.number}{state}"
