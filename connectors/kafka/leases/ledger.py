"""Who holds a lease, from the records of its topic in their order."""

from typing import Literal

import msgspec


class Entry(msgspec.Struct, frozen=True):
    """A record: `owner` claims an epoch of a lease, says that it still holds it, or lets it go."""

    lease: str
    epoch: int
    owner: str
    says: Literal["claim", "alive", "free"]

    @property
    def key(self) -> str:
        """Claims keep a record each when the topic is compacted: their order decides."""
        word = "" if self.says == "claim" else "/alive"
        return f"{self.lease}/{self.epoch}/{self.owner}{word}"


class Ledger:
    """One lease. The first claim of the epoch after the present one gets it; later ones do not.

    It counts as held until its owner was not heard for `lasts` seconds.
    """

    def __init__(self, lease: str, lasts: float) -> None:
        self._lease, self._lasts = lease, lasts
        self.epoch = 0
        self.owner = ""
        self._heard: float | None = None

    def take(self, entry: Entry, now: float) -> None:
        """Take the next record, read at `now` (seconds of a clock that never goes back)."""
        if entry.lease != self._lease:
            return
        if entry.says == "claim" and entry.epoch == self.epoch + 1:
            self.epoch, self.owner, self._heard = entry.epoch, entry.owner, now
        elif (entry.epoch, entry.owner) == (self.epoch, self.owner) and entry.says != "claim":
            self._heard = now if entry.says == "alive" else None

    def is_held(self, now: float) -> bool:
        """Whether somebody holds it."""
        return self._heard is not None and now - self._heard < self._lasts

    def is_of(self, epoch: int, owner: str) -> bool:
        """Whether it is held as this epoch by this owner."""
        return (self.epoch, self.owner) == (epoch, owner)
