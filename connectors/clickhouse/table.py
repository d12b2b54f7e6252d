"""A table as a definition names it, and as a database has it."""

from dataclasses import dataclass
from typing import Literal

Partition = Literal["day", "month"]


@dataclass(frozen=True)
class Declared:
    """A table as a definition names it.

    `kind` is None where only its first event tells; `keep_days` None for ever. `zone` is that of
    the days of figures; None leaves it as it is.
    """

    table: str
    kind: str | None
    partition: Partition = "month"
    keep_days: int | None = None
    zone: str | None = None


@dataclass(frozen=True)
class Found:
    """A table as the database has it.

    `number` is the last migration applied, 0 for none; `columns` name → type; `kind` is None for a
    table that Vigie cannot have made; `being_made` is true where whoever made it was interrupted.
    """

    kind: str | None
    number: int
    partition: str
    keep_days: int | None
    engine: str
    columns: dict[str, str]
    comment: str
    being_made: bool
    zone: str | None = None
