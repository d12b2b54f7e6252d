"""The figures of a period, from what was counted; `operators.alarms.kpi` defines each of them."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from operators.alarms.kpi_bins import (
    BIN,
    DAY,
    FLOOD_ENDS,
    MASKS,
    OVERLOAD,
    RENEWED,
    STALE,
    Bin,
    Key,
    KeyState,
)  # fmt: skip
from operators.model.local_time import HOUR, Grid


@dataclass(frozen=True)
class Flood:
    """A flood: start of the bin that opened it, start of the one that closed it, N in between."""

    start: float
    end: float
    alarms: int


@dataclass(frozen=True)
class Figures:
    """The figures of a period [start, end): epoch seconds, seconds, and shares from 0 to 1.

    What has no basis (a share of no alarms, a percentile of no acknowledgements) is None.
    """

    start: float
    end: float
    annunciated: int
    masked: int
    rate: float | None
    peak: int
    hourly: int
    daily: int
    overloaded: float | None
    floods: tuple[Flood, ...]
    in_flood: float | None
    chattering: tuple[Key, ...]
    fleeting: int
    fleeting_share: float | None
    standing: int
    stale: tuple[Key, ...]
    top_rules: tuple[tuple[str, int], ...]
    top_keys: tuple[tuple[Key, int], ...]
    top_share: float | None
    ack_median: float | None
    ack_95: float | None
    acked: int
    censored: int
    priorities: dict[str, int]
    realarmed: int
    escalated: int
    shelved: int
    suppressed: int
    hidden_by: tuple[tuple[str, int], ...]
    out_of_service: int
    no_data: int
    longest_shelve: float
    renewed: tuple[Key, ...]


def figures_of(
    bins: Mapping[int, Bin],
    alarms: Mapping[Key, KeyState],
    longest_shelve: float,
    start: float,
    end: float,
    zone: ZoneInfo,
) -> Figures:
    """Return the figures of [start, end), with whole bins; present states are as of `end`.

    Hours and days are those of `zone`.
    """
    first, last = math.floor(start / BIN), math.ceil(end / BIN)
    chosen = {number: one for number, one in bins.items() if first <= number < last}
    total = sum(one.annunciated for one in chosen.values())
    rules, keys, priorities = Counter[str](), Counter[Key](), Counter[str]()
    chattering: set[Key] = set()
    acks: list[float] = []
    for one in chosen.values():
        rules.update(one.by_rule)
        keys.update(one.by_key)
        priorities.update(one.by_priority)
        chattering |= one.chattering
        acks += one.acks
    acks.sort()
    span = end - start
    floods = tuple(_floods(chosen, last))
    standing = [(key, alarm) for key, alarm in alarms.items() if _stands(alarm)]
    fleeting = sum(one.fleeting for one in chosen.values())
    top = _top(rules)
    return Figures(
        start=start,
        end=end,
        annunciated=total,
        masked=sum(one.masked for one in chosen.values()),
        rate=total / (span / BIN) if span > 0 else None,
        peak=max((one.annunciated for one in chosen.values()), default=0),
        hourly=_largest(chosen, Grid(HOUR, zone)),
        daily=_largest(chosen, Grid(DAY, zone)),
        overloaded=_share(sum(one.annunciated > OVERLOAD for one in chosen.values()), last - first),
        floods=floods,
        in_flood=_share(sum(min(f.end, end) - max(f.start, start) for f in floods), span),
        chattering=tuple(sorted(chattering)),
        fleeting=fleeting,
        fleeting_share=_share(fleeting, total),
        standing=len(standing),
        stale=tuple(sorted(key for key, alarm in standing if end - alarm.activated_at > STALE)),
        top_rules=top,
        top_keys=_top(keys),
        top_share=_share(sum(n for _, n in top), total),
        ack_median=_rank(acks, 0.5),
        ack_95=_rank(acks, 0.95),
        acked=len(acks),
        censored=sum(one.censored for one in chosen.values()),
        priorities=dict(priorities),
        realarmed=sum(one.realarmed for one in chosen.values()),
        escalated=sum(one.escalated for one in chosen.values()),
        shelved=_with(alarms, "shelved"),
        suppressed=_with(alarms, "suppressed"),
        hidden_by=tuple(sorted(_hidden(alarms).items())),
        out_of_service=_with(alarms, "oos"),
        no_data=_with(alarms, "no_data"),
        longest_shelve=max(
            longest_shelve,
            *(end - a.shelved_from for a in alarms.values() if a.shelved_from is not None),
            0.0,
        ),
        renewed=tuple(sorted(key for key, alarm in alarms.items() if alarm.renewals >= RENEWED)),
    )


def _hidden(alarms: Mapping[Key, KeyState]) -> Counter[str]:
    """How many active alarms are suppressed by what: an alarm, `while`, `schedule`, a person."""
    return Counter(
        alarm.hidden_by
        for alarm in alarms.values()
        if "suppressed" in alarm.flags and "active" in alarm.flags
    )


def _with(alarms: Mapping[Key, KeyState], flag: str) -> int:
    return sum(flag in alarm.flags for alarm in alarms.values())


def _stands(alarm: KeyState) -> bool:
    return "active" in alarm.flags and not any(mask in alarm.flags for mask in (*MASKS, "disabled"))


def _floods(bins: dict[int, Bin], last: int) -> Iterator[Flood]:
    """Floods in order of time; one that is still open ends with the period."""
    opened: int | None = None
    alarms = 0
    for number in sorted({n for found in bins for n in (found, found + 1)}):
        here = bins[number].annunciated if number in bins else 0
        if opened is None and here > OVERLOAD:
            opened, alarms = number, 0
        elif opened is not None and here < FLOOD_ENDS:
            yield Flood(opened * BIN, number * BIN, alarms)
            opened = None
        alarms += here
    if opened is not None:
        yield Flood(opened * BIN, last * BIN, alarms)


def _largest(bins: dict[int, Bin], grid: Grid) -> int:
    sums = Counter[int]()
    for number, one in bins.items():
        sums[grid.number(number * BIN)] += one.annunciated
    return max(sums.values(), default=0)


def _top(counts: Counter[str] | Counter[Key]) -> tuple[tuple[Any, int], ...]:
    """The ten largest; equal ones by name."""
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10])


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _rank(ordered: Sequence[float], share: float) -> float | None:
    """The percentile by nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
