"""Positions in the binary log: global transaction ids (GTIDs)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Gtids = dict[int, tuple[int, int]]
"""The last transaction of each domain: {domain: (server, sequence)}."""


def parse_gtids(text: str) -> Gtids:
    """`0-1-100,1-2-7` as {domain: (server, sequence)}."""
    parts = [part.strip().split("-") for part in text.split(",") if part.strip()]
    return {int(domain): (int(server), int(sequence)) for domain, server, sequence in parts}


def format_gtids(gtids: Gtids) -> str:
    """The opposite of `parse_gtids`, in the order of the domains."""
    return ",".join(
        f"{domain}-{server}-{sequence}" for domain, (server, sequence) in sorted(gtids.items())
    )


def reached(position: Gtids, target: Gtids) -> bool:
    """Whether `position` is at `target` or after it."""
    return all(domain in position and position[domain][1] >= target[domain][1] for domain in target)


def forgotten(end: Gtids, position: Gtids) -> list[int]:
    """Domains of a position that the server was told to forget (`DELETE_DOMAIN_ID`).

    None where it lost others too: then its log was begun anew.
    """
    left = {domain: last for domain, last in position.items() if domain in end}
    return (
        [domain for domain in position if domain not in end] if left and reached(end, left) else []
    )


@dataclass(frozen=True)
class LogFile:
    """A file of the log: its name, when it was begun (epoch seconds), and by which server."""

    name: str
    began: int
    server: str

    def is_before(self, other: Self) -> bool:
        """Whether it is an earlier file of the same server."""
        return self._order() < other._order() and self.server == other.server

    def replaces(self, read: Self, further_back: bool) -> bool:
        """Whether the server's log was begun anew since `read` was read, the last of its files.

        This is where reading goes on; it may be `further_back`.
        """
        if self.server != read.server or self._order()[0] != read._order()[0]:
            return False
        if self.name == read.name:
            return self.began != read.began
        return self.is_before(read) and not further_back

    def _order(self) -> tuple[str, int]:
        name, _, number = self.name.rpartition(".")
        return name, int(number) if number.isdigit() else 0


@dataclass
class LogPosition:
    """How far the log has been read: up to `gtids`, and `rows` rows of the next transaction.

    `state_ids` are the highest ids of `states` by schema, to go on from if the server loses the
    position. `prepared` are the XA transactions that are neither committed nor rolled back: where
    to read each again, the oldest first. `file` is the last file of the log that was begun.
    """

    gtids: Gtids = field(default_factory=dict)
    rows: int = 0
    state_ids: dict[str, int] = field(default_factory=dict)
    prepared: dict[str, str] = field(default_factory=dict)
    file: LogFile | None = None

    def start(self) -> Gtids:
        """Where the log has to be read from: before the oldest prepared transaction."""
        oldest = next(iter(self.prepared.values()), None)
        return dict(self.gtids) if oldest is None else parse_gtids(oldest)

    def copy(self) -> Self:
        """One that changes by itself."""
        return type(self)(
            dict(self.gtids), self.rows, dict(self.state_ids), dict(self.prepared), self.file
        )

    def saved(self) -> dict[str, Any]:
        """As plain data."""
        saved: dict[str, Any] = {
            "gtid": format_gtids(self.gtids),
            "rows": self.rows,
            "state_ids": dict(self.state_ids),
        }
        if self.prepared:
            saved["prepared"] = dict(self.prepared)
        if self.file:
            saved["file"] = [self.file.name, self.file.began, self.file.server]
        return saved

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        """The opposite of `saved`."""
        return cls(
            parse_gtids(saved["gtid"]),
            saved["rows"],
            dict(saved["state_ids"]),
            dict(saved.get("prepared", {})),
            LogFile(*saved["file"]) if "file" in saved else None,
        )
