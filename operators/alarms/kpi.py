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
    hourly, daily the largest N of one clock hour, target 6 (at most 12), and of one day, target 144
                  (at most 288), as the site's clock shows them (ISA-18.2-2009, IEC 62682).
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
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from zoneinfo import ZoneInfo

from operators.alarms.kpi_bins import (
    BIN,
    CHATTER_COUNT,
    CHATTER_SPAN,
    FLEETING,
    MOST_KEYS,
    OTHERS,
    Bin,
    Key,
    KeyState,
)  # fmt: skip
from operators.alarms.kpi_figures import Figures, figures_of
from operators.events import AlarmTransition
from operators.model.saved_state import tuples

VERSION = 1
UTC = ZoneInfo("UTC")


class Kpis:
    """Takes the transitions of many alarms, each key's in order, and gives figures of any period.

    `keep` is how many seconds of history stay (all where it is None), so that a process that runs
    for months stays small. Hours and days are those of `zone`.
    """

    def __init__(self, keep: float | None = None, zone: ZoneInfo = UTC) -> None:
        self._keep, self._zone = keep, zone
        self._bins: dict[int, Bin] = {}
        self._alarms: dict[Key, KeyState] = {}
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
                number: {f.name: _plain(getattr(one, f.name)) for f in fields(one)}
                for number, one in self._bins.items()
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
        self._alarms = {(rule, subject): KeyState(*rest) for rule, subject, *rest in data["alarms"]}
        for number, saved in data["bins"].items():
            one = self._bins[number] = Bin()
            for name, value in saved.items():
                setattr(one, name, type(getattr(one, name))(tuples(value)))

    def add(self, other: "Kpis") -> None:
        """Take note of all that another one saw, of other alarms than this one."""
        self._newest = max(self._newest, other._newest)
        self._longest_shelve = max(self._longest_shelve, other._longest_shelve)
        self._alarms |= other._alarms
        for number, theirs in other._bins.items():
            one = self._bins.setdefault(number, Bin())
            for f in fields(one):
                mine, more = getattr(one, f.name), getattr(theirs, f.name)
                setattr(one, f.name, mine | more if isinstance(mine, set) else mine + more)

    def see(self, transition: AlarmTransition) -> None:
        """Count one transition; the caller leaves out one that comes a second time."""
        t = transition
        key = (t.rule, t.subject)
        alarm = self._alarms.get(key)
        if alarm is None:
            alarm = self._alarms[key] = KeyState()
        self._newest = max(self._newest, t.recorded)
        one = self._bin(t.recorded)
        if t.event == "activated":
            self._activated(t, key, alarm, one)
        elif t.event == "realarmed":
            one.realarmed += 1
        elif t.event == "escalated":
            one.escalated += 1
        if t.annunciate and alarm.annunciated_at is None:
            alarm.annunciated_at = t.recorded
        if t.event == "returned":
            self._returned(t, alarm, one)
        elif t.event == "acked" and alarm.awaits_ack:
            alarm.awaits_ack = False
            if alarm.annunciated_at is not None:
                one.acks.append(t.recorded - alarm.annunciated_at)
        self._follow_shelf(t, alarm)
        if t.event == "suppressed":
            alarm.hidden_by = (t.reason or "").removeprefix("inhibit:")
        alarm.flags = tuple(flag.partition(":")[0] for flag in t.flags)
        if len(self._alarms) > self._tidy_at:
            self._tidy()

    def _activated(self, t: AlarmTransition, key: Key, alarm: KeyState, one: Bin) -> None:
        alarm.activated_at, alarm.annunciated = t.time, t.annunciate
        alarm.annunciated_at, alarm.awaits_ack = None, "unacked" in t.flags
        alarm.activations = (*alarm.activations, t.time)[-CHATTER_COUNT:]
        if (
            len(alarm.activations) == CHATTER_COUNT
            and t.time - alarm.activations[0] <= CHATTER_SPAN
        ):
            one.chattering.add(key if len(one.chattering) < MOST_KEYS else OTHERS)
        if not t.annunciate:
            one.masked += 1
            return
        one.annunciated += 1
        one.by_rule[t.rule] += 1
        one.by_key[key if key in one.by_key or len(one.by_key) < MOST_KEYS else OTHERS] += 1
        one.by_priority[t.priority] += 1

    @staticmethod
    def _returned(t: AlarmTransition, alarm: KeyState, one: Bin) -> None:
        if alarm.annunciated and t.time - alarm.activated_at < FLEETING:
            one.fleeting += 1
        if alarm.awaits_ack and "unacked" in t.flags:
            alarm.awaits_ack = False
            one.censored += alarm.annunciated_at is not None

    def _follow_shelf(self, t: AlarmTransition, alarm: KeyState) -> None:
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
        """Forget keys that are normal again, but for those that may be chattering."""
        self._alarms = {
            key: alarm
            for key, alarm in self._alarms.items()
            if alarm.flags or alarm.activations[-1:] > (self._newest - max(BIN, CHATTER_SPAN),)
        }
        self._tidy_at = 2 * len(self._alarms) + 1000

    def figures(self, start: float, end: float) -> Figures:
        """Return the figures of [start, end), with whole bins; present states are as of `end`."""
        return figures_of(self._bins, self._alarms, self._longest_shelve, start, end, self._zone)


def _plain(value: Any) -> Any:
    if isinstance(value, Counter):
        return dict(value)
    return list(value) if isinstance(value, (set, list)) else value
