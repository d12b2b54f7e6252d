"""The shard of each subject, wherever its records lie."""

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.kafka.admin import partition_of
from connectors.kafka.packing import key_of
from flows.dataflow.input_order import Arrival
from flows.dataflow.merging import with_arrivals
from operators.columnar.lazy import LazyEvents, newest_time
from operators.events import Event

ONE_SHARD = "0"
ELSEWHERE = ""
"""In place of the shard of a subject that another process has."""
PROOF = 1000
"""So many events of a topic, each where its key belongs, show that its writer keys by subject."""
MOST_KNOWN = 200_000
"""So many subjects of a partition are known by name; then their places are looked up anew."""


LATELY = 60.0
"""Seconds after which a topic whose subjects lay apart is believed to be keyed again."""


@dataclass(frozen=True)
class Misplaced:
    """Events that a partition holds although their subject's key belongs to another one."""

    topic: str
    partition: int
    subject: str
    expected: int
    count: int


@dataclass
class _Part:
    topic: str
    number: int
    home: str
    is_mine: bool
    right: set[str] = field(default_factory=set)
    """Subjects of which nothing is to be asked: their key is this partition's, and their shard is
    `home`."""
    others: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Of others, the shard, and whether they are misplaced."""
    is_mixed: bool = False
    """Whether it had subjects of other shards, or of other partitions."""
    apart: float = -math.inf
    """When it last had a subject of another partition."""
    feeds: set[str] = field(default_factory=set)
    """The shards beside `home` that this partition has brought events for; of one that is not
    `is_mine`, all of them."""
    looked_at: int = 0
    crosses: bool = False
    """Whether it has subjects of this and of another process."""


class Router:
    """Sends events to the shard of their subject: murmur2 of it, modulo the number of shards.

    Where that is the number of partitions, it is what Kafka's own clients do. `mine` are the shards
    of this process; events of others are left out. `is_mine` says whether a partition is one that
    this process reads in any case, `said` hears of subjects in it that lie in another partition
    than their key's. `partitions` is how many each topic has.
    """

    def __init__(
        self,
        shards: int = 1,
        mine: Collection[str] = (ONE_SHARD,),
        said: Callable[[Misplaced], None] = lambda misplaced: None,
        clock: Callable[[], float] = time.monotonic,
        is_mine: Callable[[str], bool] = lambda part: True,
    ) -> None:
        self.partitions: dict[str, int] = {}
        self.mine = list(mine)
        self._shards = shards
        self._said, self._clock, self._is_mine = said, clock, is_mine
        self._parts: dict[str, _Part] = {}

    @property
    def is_shared(self) -> bool:
        """Whether there are several shards."""
        return self._shards > 1

    def shard_of_subject(self, subject: str) -> str:
        """The shard of a subject."""
        return str(partition_of(subject, self._shards)) if self._shards > 1 else ONE_SHARD

    def shard_of_partition(self, part: str) -> str:
        """The shard in which the subjects of a partition (`TOPIC/NUMBER`) are, if they lie well."""
        topic, _, number = part.rpartition("/")
        if not topic or self._shards == 1:
            return ONE_SHARD
        shard = str(int(number) % self._shards)
        return shard if shard in self.mine else self.mine[int(number) % len(self.mine)]

    def look(self, part: str, events: Sequence[Event]) -> bool:
        """Look at the subjects of what the partition `part` (`TOPIC/NUMBER`) brought.

        Whether it is one of ours that now has a subject of another process, for the first time.
        """
        known = self._parts.get(part) or self._add(part)
        known.looked_at += len(events)
        if self._lies_well(known, events):
            return False
        crossed = known.crosses
        for key in _keys(events):
            if key not in known.right and key not in known.others:
                self._place(known, key)
        return known.is_mine and known.crosses and not crossed

    def is_keyed(self, topic: str) -> bool:
        """Whether enough was seen of a topic to tell that all subjects lie where they belong."""
        parts = [part for part in self._parts.values() if part.topic == topic]
        if any(part.crosses or part.apart > -math.inf for part in parts):
            return False
        return sum(part.looked_at for part in parts) >= PROOF

    def forget(self, part: str) -> None:
        """Leave a partition that is not read any more."""
        self._parts.pop(part, None)

    def lies_apart(self, parts: Iterable[str]) -> bool:
        """Whether subjects lie in several of these partitions, as far as was seen lately."""
        since = self._clock() - LATELY
        return any(part in self._parts and self._parts[part].apart > since for part in parts)

    def is_mixed(self, parts: Iterable[str]) -> bool:
        """Whether several of these partitions feed one shard."""
        known = [self._parts[part] for part in parts if part in self._parts]
        known = [part for part in known if part.is_mine or part.feeds or part.is_mixed]
        homes = {part.home for part in known}
        return len(homes) < len(known) or any(part.is_mixed for part in known)

    def route(self, part: str, arrival: Arrival) -> Iterator[tuple[str, Arrival]]:
        """What each shard gets of what a partition brought that was looked at."""
        known = self._parts.get(part) or self._add(part)
        if not arrival.batch.events:
            yield known.home, arrival
            return
        if known.is_mine and (not known.is_mixed or self._lies_well(known, arrival.batch.events)):
            yield known.home, arrival
            yield from self._marks(known.feeds, arrival)
            return
        parts = self._split(known, arrival)
        known.feeds |= parts.keys() - ({known.home} if known.is_mine else set())
        for shard, (events, arrivals) in parts.items():
            batch = arrival.batch._replace(events=events, arrivals=arrivals, wall=arrivals[-1][1])
            yield shard, arrival._replace(batch=batch)
        marked = known.feeds | ({known.home} if known.is_mine else set())
        yield from self._marks(marked - parts.keys(), arrival)
        if not known.is_mine and known.home not in known.feeds:
            # that it has caught up is of interest, but its time is none of the shard's
            yield known.home, arrival._replace(batch=arrival.batch._replace(events=[], arrivals=()))

    def _add(self, part: str) -> _Part:
        topic, _, number = part.rpartition("/")
        known = _Part(
            topic, int(number) if topic else 0, self.shard_of_partition(part), self._is_mine(part)
        )
        self._parts[part] = known
        return known

    def _lies_well(self, part: _Part, events: Sequence[Event]) -> bool:
        if not events or (self._shards == 1 and self.partitions.get(part.topic, 1) == 1):
            return True
        if isinstance(events, LazyEvents):
            return part.right.issuperset(events.subjects())
        try:
            # a list in between is twice as fast as a generator or attrgetter
            return part.right.issuperset([event.subject for event in events])  # type: ignore[union-attr]
        except AttributeError:  # a message, a row
            return False

    def _split(
        self, part: _Part, arrival: Arrival
    ) -> dict[str, tuple[list[Event], list[tuple[int, float]]]]:
        found: dict[str, tuple[list[Event], list[tuple[int, float]]]] = {}
        misplaced: dict[str, int] = {}
        batch, right, others = arrival.batch, part.right, part.others
        arrived = batch.arrivals or ((len(batch.events), batch.wall),)
        for event, wall in with_arrivals(batch.events, arrived):
            key = key_of(event)
            if key in right:
                shard = part.home
            else:
                shard, is_misplaced = others.get(key) or self._place(part, key)
                if is_misplaced:
                    misplaced[key] = misplaced.get(key, 0) + 1
                if shard == ELSEWHERE:
                    continue
            events, arrivals = found.setdefault(shard, ([], []))
            events.append(event)
            if arrivals and arrivals[-1][1] == wall:
                arrivals[-1] = (arrivals[-1][0] + 1, wall)
            else:
                arrivals.append((1, wall))
        if misplaced:
            part.apart = self._clock()
            if part.is_mine:
                self._say(part, next(iter(misplaced)), sum(misplaced.values()))
        return found

    def _say(self, part: _Part, subject: str, count: int) -> None:
        expected = partition_of(subject, self.partitions.get(part.topic, 1))
        self._said(Misplaced(part.topic, part.number, subject, expected, count))

    def _place(self, part: _Part, key: str) -> tuple[str, bool]:
        """Look up and note the shard of a subject."""
        shard = self.shard_of_subject(key)
        if shard not in self.mine:
            shard = ELSEWHERE
        part.crosses = part.crosses or (shard == ELSEWHERE) == part.is_mine
        count = self.partitions.get(part.topic, 1)
        is_misplaced = count > 1 and partition_of(key, count) != part.number
        if shard == part.home and not is_misplaced:
            if len(part.right) >= MOST_KNOWN:
                part.right.clear()
            part.right.add(key)
            return shard, is_misplaced
        if len(part.others) >= MOST_KNOWN:
            part.others.clear()
        part.others[key] = shard, is_misplaced
        if shard != ELSEWHERE or part.is_mine or is_misplaced:
            part.is_mixed = True
        if is_misplaced:
            part.apart = self._clock()
        return shard, is_misplaced

    def _marks(self, shards: Collection[str], arrival: Arrival) -> Iterator[tuple[str, Arrival]]:
        """How far the partition has come, for shards that it brought nothing for this time."""
        batch = arrival.batch
        mark = min(newest_time(batch.events), batch.wall)
        for shard in shards:
            yield shard, arrival._replace(batch=batch._replace(events=[], arrivals=()), mark=mark)

    def grown(self, topic: str, count: int) -> None:
        """Note that a topic has so many partitions, by which its subjects are looked up anew."""
        if self.partitions.get(topic) == count:
            return
        self.partitions[topic] = count
        for part in self._parts.values():
            if part.topic == topic:
                part.right.clear()
                part.others.clear()


def _keys(events: Sequence[Event]) -> Iterable[str]:
    return events.subjects() if isinstance(events, LazyEvents) else map(key_of, events)
