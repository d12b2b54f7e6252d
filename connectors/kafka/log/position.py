"""Where a partition is read on."""

from typing import Any, NamedTuple, Self


class Position(NamedTuple):
    """The next offset, the leader epoch of the record before it, and the id of the topic.

    The epoch (KIP-320) lets the broker say that its log was cut; -1 where it is not known. The id
    (KIP-516) tells topics of one name apart; None from a broker without ids.
    """

    offset: int
    epoch: int = -1
    topic: str | None = None

    @classmethod
    def parse(cls, saved: Any) -> Self:
        """A saved position; those of earlier versions are an offset alone."""
        return cls(*saved) if isinstance(saved, list | tuple) else cls(int(saved))
