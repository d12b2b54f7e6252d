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


@dataclass
class LogPosition:
    """How far the log has been read: up to `gtids`, and `rows` rows of the next transaction.

    `state_ids` are the highest ids of `states` by schema, to go on from if the server loses the
    position. `prepared` are the XA transactions that are neither committed nor rolled back: where
    to read each again, the oldest first.
    """

    gtids: Gtids = field(default_factory=dict)
    rows: int = 0
    state_ids: dict[str, int] = field(default_factory=dict)
    prepared: dict[str, str] = field(default_factory=dict)

    def start(self) -> Gtids:
        """Where the log has to be read from: before the oldest prepared transaction."""
        oldest = next(iter(self.prepared.values()), None)
        return dict(self.gtids) if oldest is None else parse_gtids(oldest)

    def copy(self) -> Self:
        """One that changes by itself."""
        return type(self)(dict(self.gtids), self.rows, dict(self.state_ids), dict(self.prepared))

    def saved(self) -> dict[str, Any]:
        """As plain data."""
        saved = {
            "gtid": format_gtids(self.gtids),
            "rows": self.rows,
            "state_ids": dict(self.state_ids),
        }
        return saved | ({"prepared": dict(self.prepared)} if self.prepared else {})

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        """The opposite of `saved`."""
        return cls(
            parse_gtids(saved["gtid"]),
            saved["rows"],
            dict(saved["state_ids"]),
            dict(saved.get("prepared", {})),
        )
