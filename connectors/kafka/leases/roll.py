"""Who runs a flow beside whom, and which part of it each of them is to have."""

from typing import NamedTuple

import msgspec

Part = tuple[int, int]
"""Number, from 1, of count."""
WHOLE: Part = (1, 1)


class Present(msgspec.Struct, frozen=True):
    """A record: `member` runs the flow `of`, or stands by.

    `holds` is the part that it has the lease of. `most` is the number of parts into which
    the flow can be cut; 0 where the member does not know that yet.
    """

    of: str
    member: str
    holds: Part | None = None
    most: int = 0

    @property
    def key(self) -> str:
        """One record for each member stays when the topic is compacted."""
        return f"{self.of}/member/{self.member}"


class _LastSaid(NamedTuple):
    said: Present
    at: float


class Roll:
    """The members of a flow, as one of them hears them.

    All come to the same parts: there are as many as members, or as many as the flow can be cut
    into; who holds one of them keeps it, and the others take what is left by the order of their
    names. Whoever is left over stands by. A member that was not heard for `lasts` seconds is gone.
    What is decided is what was wanted for `settles` seconds: a restart moves nothing.
    """

    def __init__(self, mine: Present, lasts: float, settles: float) -> None:
        self.mine = mine
        self._lasts, self._settles = lasts, settles
        self._heard: dict[str, _LastSaid] = {}
        self._most = 1
        self._wanted: Part | None = None
        self._since = 0.0

    def begin(self, now: float) -> None:
        """Listening begins, or begins again: nobody was silent while nothing could be heard."""
        self._heard = {name: _LastSaid(said, now) for name, (said, _) in self._heard.items()}
        self._wanted = None

    def take(self, said: Present, now: float) -> None:
        """Take what a member says."""
        self._heard[said.member] = _LastSaid(said, now)
        self._most = said.most or self._most

    def leave(self, key: str) -> None:
        """A member says that it is gone."""
        for name, heard in list(self._heard.items()):
            if heard.said.key == key:
                del self._heard[name]

    def decide(self, now: float) -> Part | None:
        """The part to have, None until that is clear."""
        wanted = self.wanted(now)
        if wanted != self._wanted:
            self._wanted, self._since = wanted, now
        return wanted if now - self._since >= self._settles else None

    def members(self, now: float) -> dict[str, Present]:
        """Those that are there, by name, with this one."""
        heard = {name: said for name, (said, at) in self._heard.items() if now - at < self._lasts}
        return heard | {self.mine.member: self.mine}

    def wanted(self, now: float) -> Part:
        """The part that fits what is known now."""
        here = self.members(now)
        count = min(self.mine.most or self._most, len(here))
        held = {
            holds[0]: name
            for name in sorted(here, reverse=True)
            if (holds := here[name].holds) is not None and holds[1] == count
        }
        for number, name in held.items():
            if name == self.mine.member:
                return number, count
        left = [number for number in range(1, count + 1) if number not in held]
        place = [name for name in sorted(here) if name not in held.values()].index(self.mine.member)
        return (left[place] if place < len(left) else place % count + 1), count
