"""What changed between two replays of the same history."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flows.replay.episodes import Episode


@dataclass(frozen=True)
class Difference:
    """Alarms raised only before, only after, both times with other times or another priority.

    Those raised both times, from and until the same instant with the same priority, are only
    counted. Alarms are compared by rule and subject. In the order of time, an alarm before and one
    after are the same one if they overlap, or if no more than `near` seconds lie between the end of
    one and the beginning of the other; each is used once, the earliest first. One that stands at
    the end of the replay has no end.
    """

    only_before: tuple[Episode, ...]
    only_after: tuple[Episode, ...]
    moved: tuple[tuple[Episode, Episode], ...]
    reprioritised: tuple[tuple[Episode, Episode], ...]
    same: int

    @property
    def is_none(self) -> bool:
        """Whether both raise the same alarms."""
        return not (self.only_before or self.only_after or self.moved or self.reprioritised)


def difference(before: Iterable[Episode], after: Iterable[Episode], near: float) -> Difference:
    """Compare; `near` in seconds."""
    old, new = _by_key(before), _by_key(after)
    only_before: list[Episode] = []
    only_after: list[Episode] = []
    moved: list[tuple[Episode, Episode]] = []
    reprioritised: list[tuple[Episode, Episode]] = []
    same = 0
    for key in sorted({*old, *new}):
        pairs = _paired(old.get(key, ()), new.get(key, ()), near)
        for one, other in pairs:
            if one is None and other is not None:
                only_after.append(other)
            elif other is None and one is not None:
                only_before.append(one)
            elif one is not None and other is not None:
                if (one.raised, one.cleared, one.masked) != (
                    other.raised,
                    other.cleared,
                    other.masked,
                ):
                    moved.append((one, other))
                elif one.priority != other.priority:
                    reprioritised.append((one, other))
                else:
                    same += 1
    return Difference(
        tuple(sorted(only_before, key=_in_time)),
        tuple(sorted(only_after, key=_in_time)),
        tuple(sorted(moved, key=_first_in_time)),
        tuple(sorted(reprioritised, key=_first_in_time)),
        same,
    )


def _first_in_time(pair: tuple[Episode, Episode]) -> tuple[float, str, str]:
    return _in_time(pair[0])


def _in_time(episode: Episode) -> tuple[float, str, str]:
    return episode.raised, episode.rule, episode.subject


def _by_key(episodes: Iterable[Episode]) -> dict[tuple[str, str], list[Episode]]:
    found: dict[tuple[str, str], list[Episode]] = {}
    for episode in episodes:
        found.setdefault(episode.key, []).append(episode)
    return found


def _paired(
    before: Sequence[Episode], after: Sequence[Episode], near: float
) -> list[tuple[Episode | None, Episode | None]]:
    pairs: list[tuple[Episode | None, Episode | None]] = []
    i = j = 0
    while i < len(before) or j < len(after):
        one = before[i] if i < len(before) else None
        other = after[j] if j < len(after) else None
        if one is not None and (other is None or _end(one) + near < other.raised):
            pairs.append((one, None))
            i += 1
        elif other is not None and (one is None or _end(other) + near < one.raised):
            pairs.append((None, other))
            j += 1
        else:
            pairs.append((one, other))
            i += 1
            j += 1
    return pairs


def _end(episode: Episode) -> float:
    return math.inf if episode.cleared is None else episode.cleared
