"""A table as a definition names it."""

from dataclasses import dataclass
from typing import Literal

Partition = Literal["day", "month"]


@dataclass(frozen=True)
class Declared:
    """A table as a definition names it.

    `kind` is None where only its first event tells; `keep_days` None for ever.
    """

    table: str
    kind: str | None
    partition: Partition = "month"
    keep_days: int | None = None
