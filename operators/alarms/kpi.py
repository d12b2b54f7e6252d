"""Figures of EEMUA 191: how well alarms serve the people who answer them.

One transition is one `AlarmTransition`. `recorded` is its arrival, `time` the instant at which it
took effect. A key is an alarm (`rule`, `subject`); an occurrence is a key with its `occ`. All bins
are [start, start + 600 s) aligned to the clock (UTC), and `recorded` says in which one a transition
counts. Definitions, the same in every place that shows these figures:

    annunciated   N: `event` is activated and `annunciate` is true. Activated without it: masked, M,
                  reported apart.
    rate          N a 600 s over the period. Target at most 1 (EEMUA 191: "very likely to be
                  acceptable").
    peak          the largest N of one 600 s bin. Target at most 10 (EEMUA 191, ISA-18.2).
    overloaded    share of all 600 s bins of the period with N > 10. Target under 1 % (ISA-18.2).
    flood         opens at the start of the first bin with N > 10, closes at the start of the first
                  later bin with N < 5 (EEMUA 191); time in flood as a share of the period, target
                  under 1 %.
    hourly, daily the largest N of one clock hour, target 6 (at most 12), and of one UTC day, target
                  144 (at most 288) (ISA-18.2-2009, IEC 62682).
    chattering    keys with three activations, annunciated or not, whose `time` lies within 60 s
                  (first to third at most 60 s apart). Target 0 (EEMUA 191). A key counts in the bin
                  of the third one.
    fleeting      annunciated occurrences that returned less than 10 s after their activation, by
                  `time`; as a share of N. One counts in the bin of its return.
    standing      keys that are active and not masked (shelved, suppressed, out of service,
                  disabled) now.
    stale         standing keys whose activation is more than 24 h ago, by `time`. Target under 5
                  (ISA-18.2).
    top ten       N of the ten rules with the most, as a share of N. Target at most 5 % (ISA-18.2).
    time to ack   `recorded` of the first `acked` less `recorded` of the first annunciated
                  transition of its occurrence. Occurrences that need no acknowledgement are left
                  out. One that returns unacknowledged is censored: it is counted, not averaged,
                  whatever comes later. Median and 95th percentile (nearest rank).
    priorities    N by priority, as shares of N. Target about 80 % low and medium, 15 % high, 5 %
                  critical (EEMUA 191).
    repeats       `realarmed`, and `escalated`, a 600 s.
    shelved long  longest time from a key's first `shelved` to its end, and keys shelved anew three
                  times or more meanwhile.

EEMUA 191 (3rd ed.) and ISA-18.2 give these figures for one operator's position; a page of a
definition stands for it.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from operators.events import AlarmTransition
from operators.model.saved_state import tuples

VERSION = 1
BIN = 600.0
DAY = 86_400.0
OVERLOAD, FLOOD_ENDS = 10, 5
CHATTER_COUNT, CHATTER_SPAN = 3, 60.0
FLEETING = 10.0
STALE = 86_400.0
RENEWED = 3
MOST_KEYS = 10_000
"""Of so many keys a bin keeps its own count; further ones are counted together."""
OTHERS = ("", "others")
MASKS = ("shelved", "suppressed", "oos")

Key = tuple[str, str]


@dataclass
class Bin:
    """What happened in 600 s."""

    annunciated: int = 0
    masked: int = 0
    fleeting: int = 0
    censored: int = 0
    realarmed: int = 0
    escalated: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    by_key: Counter[Key] = field(default_factory=Counter)
    by_priority: Counter[str] = field(default_factory=Counter)
    chattering: set[Key] = field(default_factory=set)
    acks: list[float] = field(default_factory=list)


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
    out_of_service: int
    no_data: int
    longest_shelve: float
    renewed: tuple[Key, ...]


@dataclass(slots=True)
class _Alarm:
    """A key that is not as in a quiet alarm, or was activated just now."""

    flags: tuple[str, ...] = ()
    activated_at: float = -math.inf
    annunciated_at: float | None = None
    heard: bool = False
    awaits_ack: bool = False
    activations: tuple[float, ...] = ()
    shelved_from: float | None = None
    renewals: int = 0


class Kpis:
    """Takes the transitions of many alarms, each key's in order, and gives figures of any period.

    `keep` is how many seconds of history stay (all where it is None), so that a process that runs
    for months stays small.
    """

    def __init__(self, keep: float | None = None) -> None:
        self._keep = keep
        self._bins: dict[int, Bin] = {}
        self._alarms: dict[Key, _Alarm] = {}
        self._tidy_at = 1000
        self._newest = -math.inf
        self._longest_shelve = 0.0

    @property
    def since(self) -> float:
        """Start of the oldest bin there is; infinity if there is none."""
        return min(self._bins, default=math.inf) * BIN

    def snapshot(self) -> dict[str, Any]:
        """Everything, as plain data."""
        return {
            "v": VERSION,
            "bins": {
                number: {f.name: _plain(getattr(place, f.name)) for f in fields(place)}
                for number, place in self._bins.items()
            },
            "alarms": [
                [*key, *(getattr(alarm, f.name) for f in fields(alarm))]
                for key, alarm in self._alarms.items()
            ],
            "newest": self._newest,
            "longest_shelve": self._longest_shelve,
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take back what `snapshot` returned; nothing of another version: counting begins anew."""
        if data["v"] != VERSION:
            return
        self._newest, self._longest_shelve = data["newest"], data["longest_shelve"]
        self._alarms = {(rule, subject): _Alarm(*rest) for rule, subject, *rest in data["alarms"]}
        for number, saved in data["bins"].items():
            place = self._bins[number] = Bin()
            for name, value in saved.items():
                setattr(place, name, type(getattr(place, name))(tuples(value)))

    def add(self, other: "Kpis") -> None:
        """Take note of all that another one saw, of other alarms than this one."""
        self._newest = max(self._newest, other._newest)
        self._longest_shelve = max(self._longest_shelve, other._longest_shelve)
        self._alarms |= other._alarms
        for number, theirs in other._bins.items():
            place = self._bins.setdefault(number, Bin())
            for f in fields(place):
                mine, more = getattr(place, f.name), getattr(theirs, f.name)
                setattr(place, f.name, mine | more if isinstance(mine, set) else mine + more)

    def see(self, transition: AlarmTransition) -> None:
        """Count one transition; the caller leaves out one that comes a second time."""
        t = transition
        key = (t.rule, t.subject)
        alarm = self._alarms.get(key)
        if alarm is None:
            alarm = self._alarms[key] = _Alarm()
        self._newest = max(self._newest, t.recorded)
        place = self._bin(t.recorded)
        if t.event == "activated":
            self._activated(t, key, alarm, place)
        elif t.event == "realarmed":
            place.realarmed += 1
        elif t.event == "escalated":
            place.escalated += 1
        if t.annunciate and alarm.annunciated_at is None:
            alarm.annunciated_at = t.recorded
        if t.event == "returned":
            self._returned(t, alarm, place)
        elif t.event == "acked" and alarm.awaits_ack:
            alarm.awaits_ack = False
            if alarm.annunciated_at is not None:
                place.acks.append(t.recorded - alarm.annunciated_at)
        self._follow_shelf(t, alarm)
        alarm.flags = tuple(flag.partition(":")[0] for flag in t.flags)
        if len(self._alarms) > self._tidy_at:
            self._tidy()

    def _activated(self, t: AlarmTransition, key: Key, alarm: _Alarm, place: Bin) -> None:
        alarm.activated_at, alarm.heard = t.time, t.annunciate
        alarm.annunciated_at, alarm.awaits_ack = None, "unacked" in t.flags
        alarm.activations = (*alarm.activations, t.time)[-CHATTER_COUNT:]
        if (
            len(alarm.activations) == CHATTER_COUNT
            and t.time - alarm.activations[0] <= CHATTER_SPAN
        ):
            place.chattering.add(key if len(place.chattering) < MOST_KEYS else OTHERS)
        if not t.annunciate:
            place.masked += 1
            return
        place.annunciated += 1
        place.by_rule[t.rule] += 1
        place.by_key[key if key in place.by_key or len(place.by_key) < MOST_KEYS else OTHERS] += 1
        place.by_priority[t.priority] += 1

    @staticmethod
    def _returned(t: AlarmTransition, alarm: _Alarm, place: Bin) -> None:
        if alarm.heard and t.time - alarm.activated_at < FLEETING:
            place.fleeting += 1
        if alarm.awaits_ack and "unacked" in t.flags:
            alarm.awaits_ack = False
            place.censored += alarm.annunciated_at is not None

    def _follow_shelf(self, t: AlarmTransition, alarm: _Alarm) -> None:
        on = any(flag.startswith("shelved") for flag in t.flags)
        if alarm.shelved_from is None:
            if on:
                alarm.shelved_from, alarm.renewals = t.recorded, 0
        elif not on:
            self._longest_shelve = max(self._longest_shelve, t.recorded - alarm.shelved_from)
            alarm.shelved_from, alarm.renewals = None, 0
        elif t.event == "shelved":
            alarm.renewals += 1

    def _bin(self, recorded: float) -> Bin:
        number = math.floor(recorded / BIN)
        found = self._bins.get(number)
        if found is None:
            found = self._bins[number] = Bin()
            if self._keep is not None:
                oldest = (self._newest - self._keep) / BIN - 1
                for old in [n for n in self._bins if n < oldest]:
                    del self._bins[old]
        return found

    def _tidy(self) -> None:
        """Forget keys that are quiet again, but for those that may be chattering."""
        self._alarms = {
            key: alarm
            for key, alarm in self._alarms.items()
            if alarm.flags or alarm.activations[-1:] > (self._newest - max(BIN, CHATTER_SPAN),)
        }
        self._tidy_at = 2 * len(self._alarms) + 1000

    def figures(self, start: float, end: float) -> Figures:
        """The figures of [start, end), with whole bins at both ends; what is now, as of `end`."""
        first, last = math.floor(start / BIN), math.ceil(end / BIN)
        chosen = {number: place for number, place in self._bins.items() if first <= number < last}
        total = sum(place.annunciated for place in chosen.values())
        rules, keys, priorities = Counter[str](), Counter[Key](), Counter[str]()
        chattering: set[Key] = set()
        acks: list[float] = []
        for place in chosen.values():
            rules.update(place.by_rule)
            keys.update(place.by_key)
            priorities.update(place.by_priority)
            chattering |= place.chattering
            acks += place.acks
        acks.sort()
        span = end - start
        floods = tuple(_floods(chosen, last))
        standing = [(key, alarm) for key, alarm in self._alarms.items() if _stands(alarm)]
        fleeting = sum(place.fleeting for place in chosen.values())
        top = _top(rules)
        return Figures(
            start=start,
            end=end,
            annunciated=total,
            masked=sum(place.masked for place in chosen.values()),
            rate=total / (span / BIN) if span > 0 else None,
            peak=max((place.annunciated for place in chosen.values()), default=0),
            hourly=_largest(chosen, 3600.0),
            daily=_largest(chosen, DAY),
            overloaded=_share(
                sum(place.annunciated > OVERLOAD for place in chosen.values()), last - first
            ),
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
            censored=sum(place.censored for place in chosen.values()),
            priorities=dict(priorities),
            realarmed=sum(place.realarmed for place in chosen.values()),
            escalated=sum(place.escalated for place in chosen.values()),
            shelved=self._with("shelved"),
            suppressed=self._with("suppressed"),
            out_of_service=self._with("oos"),
            no_data=self._with("no_data"),
            longest_shelve=max(
                self._longest_shelve,
                *(
                    end - a.shelved_from
                    for a in self._alarms.values()
                    if a.shelved_from is not None
                ),
                0.0,
            ),
            renewed=tuple(
                sorted(key for key, alarm in self._alarms.items() if alarm.renewals >= RENEWED)
            ),
        )

    def _with(self, flag: str) -> int:
        return sum(flag in alarm.flags for alarm in self._alarms.values())


def _plain(value: Any) -> Any:
    if isinstance(value, Counter):
        return dict(value)
    return list(value) if isinstance(value, (set, list)) else value


def _stands(alarm: _Alarm) -> bool:
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


def _largest(bins: dict[int, Bin], span: float) -> int:
    sums = Counter[int]()
    for number, place in bins.items():
        sums[math.floor(number * BIN / span)] += place.annunciated
    return max(sums.values(), default=0)


def _top(counts: Counter[str] | Counter[Key]) -> tuple[tuple[Any, int], ...]:
    """The ten largest; equal ones by name."""
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10])


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _rank(ordered: Sequence[float], share: float) -> float | None:
    """The percentile by nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
