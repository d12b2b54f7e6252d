"""Which evidence is to be deleted: by age, priority, and the room that all takes; and pins."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from operators.events import Event, Occurrence, encode_lines
from operators.model.priority import PRIORITIES

TYPE = "evidence_pin"


class Stored(NamedTuple):
    """Evidence that is stored: the id of what told of it, its event, time and bytes."""

    id: str
    event: str
    time: float
    bytes: int
    priority: str | None = None


class Retention(NamedTuple):
    """Seconds that evidence is kept, by priority where one is named, and most bytes of all."""

    keep: float | None = None
    keep_by: Mapping[str, float] = {}
    bytes: int | None = None


class Doomed(NamedTuple):
    """Evidence that is to be deleted, and why."""

    id: str
    why: str


def doomed(
    stored: Sequence[Stored], rules: Retention, pinned: Iterable[str], now: float, hour: float
) -> list[Doomed]:
    """What is to be deleted of all that is stored, oldest first of the lowest priority.

    `hour` are the bytes that come in an hour at present: so much room is made before it is needed,
    but never more than half of all. What is `pinned` (events) stays.
    """
    kept = frozenset(pinned)
    free = [one for one in stored if one.event not in kept]
    old = [
        one for one in free if _limit(one, rules) is not None and one.time < now - _age(one, rules)
    ]
    found = [Doomed(one.id, f"kept for {_age(one, rules) / 86_400:g} d") for one in old]
    if rules.bytes is None:
        return found
    gone = {one.id for one in found}
    room = max(rules.bytes - hour, rules.bytes / 2)
    total = sum(one.bytes for one in stored if one.id not in gone)
    left = sorted(
        (one for one in free if one.id not in gone), key=lambda one: (_rank(one), one.time)
    )
    for one in left:
        if total <= room:
            break
        found.append(Doomed(one.id, f"all evidence may take {rules.bytes:,} bytes"))
        total -= one.bytes
    return found


def _limit(one: Stored, rules: Retention) -> float | None:
    return rules.keep_by.get(one.priority or "", rules.keep)


def _age(one: Stored, rules: Retention) -> float:
    return _limit(one, rules) or 0.0


def _rank(one: Stored) -> int:
    """What has no priority goes first."""
    return PRIORITIES.index(one.priority) if one.priority in PRIORITIES else -1


def pin_row(event: str, pinned: bool, by: str) -> bytes:
    """The row that says whether an event's evidence is kept."""
    data = {"id": event, "pinned": pinned, "by": by}
    told = Occurrence(id=f"{event}/pin", time=time.time(), subject=event, type=TYPE, data=data)
    return encode_lines([told])


def take_pin(event: Event, pinned: set[str]) -> None:
    """Take a row into the set of events whose evidence is kept."""
    if not isinstance(event, Occurrence) or event.type != TYPE:
        return
    id = str(event.data.get("id"))
    if event.data.get("pinned"):
        pinned.add(id)
    else:
        pinned.discard(id)
