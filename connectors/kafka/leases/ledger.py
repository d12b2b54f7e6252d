"""Who holds a lease, from the records of its topic in their order."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import msgspec

Kin = Callable[[str], bool | None]
"""Whether a lease and another may not be held at once; None for one that is of no concern."""


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


class Claim(NamedTuple):
    """The claim that has a lease; its `term`, counted over all kin, says which is newer."""

    lease: str
    epoch: int
    owner: str
    term: int


class Ledger:
    """One lease. The first claim of the epoch after the present one gets it; later ones do not.

    It counts as held until its owner was not heard for `lasts` seconds. Its kin may be leases of
    other parts of the same thing; those that exclude it are its rivals while they are held.
    """

    def __init__(self, lease: str, lasts: float, kin: Kin = lambda lease: None) -> None:
        self._lease, self._lasts, self._kin = lease, lasts, kin
        self._claims: dict[str, Claim] = {}
        self._heard: dict[str, float | None] = {}
        self._terms = 0

    @property
    def mine(self) -> Claim:
        """The claim that has the lease."""
        return self._claims.get(self._lease) or Claim(self._lease, 0, "", 0)

    def take(self, entry: Entry, now: float) -> None:
        """Take the next record, read at `now` (seconds of a clock that never goes back)."""
        name = entry.lease
        if name != self._lease and self._kin(name) is None:
            return
        known = self._claims.get(name) or Claim(name, 0, "", 0)
        if entry.says == "claim" and entry.epoch == known.epoch + 1:
            self._terms += 1
            self._claims[name] = Claim(name, entry.epoch, entry.owner, self._terms)
            self._heard[name] = now
        elif (entry.epoch, entry.owner) == known[1:3] and entry.says != "claim":
            self._heard[name] = now if entry.says == "alive" else None

    def is_held(self, now: float, lease: str | None = None) -> bool:
        """Whether somebody holds it, or another lease."""
        heard = self._heard.get(lease or self._lease)
        return heard is not None and now - heard < self._lasts

    def is_of(self, epoch: int, owner: str) -> bool:
        """Whether it is held as this epoch by this owner."""
        return self.mine[1:3] == (epoch, owner)

    def others(self) -> Iterator[Claim]:
        """The claims that have leases which exclude this one."""
        return (one for one in self._claims.values() if self._kin(one.lease))

    def rival(self, now: float, first: int = 0, last: float = float("inf")) -> Claim | None:
        """One that is held and excludes this lease, of the terms from `first` to `last`."""
        held = (one for one in self.others() if self.is_held(now, one.lease))
        return next((one for one in held if first <= one.term <= last), None)
