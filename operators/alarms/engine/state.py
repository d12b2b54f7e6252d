"""The engine's memory of one alarm: a small slot for every subject, a full state if needed."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from operators.alarms.engine.rule import Rule

NEVER = -1e15
"""No instant yet; finite, so that a snapshot is plain JSON."""

LARGEST = sys.float_info.max
Mode = tuple[float, float, float, str | None]
About = tuple[str | None, Mapping[str, str]]
"""Metric and labels of a subject's readings."""
Telling = dict[str, Any]
"""What was so of an alarm when people were told of it: `severity`, `metric`, `labels`, `value`,
`unit`. States of version 1 kept the severity alone.
"""

SLOW: Mode = (math.inf, -math.inf, -math.inf, None)
"""A mode in which every reading is looked at fully."""


class Slot:
    """The part of an alarm that every reading touches.

    `mode` is (low, high, due, unit): a good reading in `unit` with low <= value <= high before
    `due` changes nothing but `ts`, `id`, `value` (as received) and `wall`. `state` is None while
    nothing ever happened to the subject; `about` is the metric and the labels of its readings.
    """

    __slots__ = ("about", "id", "mode", "state", "ts", "value", "wall")

    def __init__(
        self,
        ts: float = NEVER,
        id: str | None = None,
        value: Any = None,
        wall: float = NEVER,
        mode: Mode = SLOW,
        about: "About | None" = None,
    ) -> None:
        self.ts = ts
        self.id = id
        self.value = value
        self.wall = wall
        self.mode = mode
        self.about = about
        self.state: State | None = None


class State:
    """The whole state of one alarm.

    `PLAIN` names the fields that a snapshot keeps; the rest belongs to the engine. Sequences are
    tuples and are replaced, never changed in place. Instants are epoch seconds.
    """

    __slots__ = (
        "acked", "acked_at", "activated_at", "activations", "active", "annunciated", "armed_event",
        "armed_wall", "bad",
        "born", "clock", "commands", "counters", "drift", "edge", "enabled", "evidence",
        "first_value", "flapping", "floor", "gone", "held_by",
        "hold_until", "ids", "index", "inhibitors", "last_flags", "last_good", "last_ts",
        "last_value",
        "latched", "levels", "manual", "no_data", "occ", "oos", "page", "phase", "points",
        "pulse_at",
        "realarm_from",
        "repeats", "returned_at", "rule", "run", "seen_unit", "seq", "severity", "shelved", "since",
        "slot", "subject", "synced", "told",
        "unit", "until", "wall", "wall_floor", "window",
    )  # fmt: skip

    def __init__(self, rule: Rule, subject: str, slot: Slot) -> None:
        self.rule, self.subject, self.slot = rule, subject, slot
        self.occ = self.seq = self.repeats = 0
        self.clock = self.wall = self.floor = self.wall_floor = self.last_ts = NEVER
        self.enabled, self.active, self.acked = rule.enabled, False, True
        self.oos = self.manual = self.latched = self.no_data = self.flapping = self.annunciated = (
            False
        )
        self.shelved: str | None = None
        self.until: float | None = None
        self.inhibitors: tuple[str, ...] = ()
        self.hold_until: float | None = None
        self.held_by: str | None = None
        self.gone = self.bad = False
        self.run = 0
        self.page: str | None = None
        self.phase = "normal"
        self.since: float | None = None
        self.levels: tuple[bool, ...] = ()
        self.severity: str | None = None
        self.drift: tuple[float, bool] | None = None
        self.ids: tuple[str, ...] = ()
        self.last_good: float | None = None
        self.last_value: Any = None
        self.unit: str | None = None
        self.seen_unit: str | None = None
        self.window: tuple[Any, ...] = ()
        self.points: tuple[Any, ...] = ()
        self.activations: tuple[float, ...] = ()
        self.pulse_at: float | None = None
        self.realarm_from: float | None = None
        self.commands: tuple[str, ...] = ()
        self.evidence: tuple[str | None, float] | None = None
        self.activated_at: float | None = None
        self.first_value: Any = None
        self.told: tuple[Telling | str, ...] = ()
        self.returned_at: float | None = None
        self.acked_at: float | None = None
        self.edge: float | None = None
        self.counters: dict[str, int] = {}
        self.index = self.born = 0
        self.armed_event = self.armed_wall = math.inf
        self.synced = NEVER
        self.last_flags: tuple[str, ...] = () if rule.enabled else self.flags()

    @property
    def suppressed(self) -> bool:
        """Whether it is hidden by a person, by another alarm, or by its hold."""
        return bool(self.manual or self.inhibitors or self.hold_until is not None)

    @property
    def masked(self) -> bool:
        """Whether annunciation is off."""
        return bool(
            self.shelved
            or self.manual
            or self.inhibitors
            or self.hold_until is not None
            or self.oos
            or not self.enabled
        )

    def refusal(self, ts: float, id: str | None, at: float) -> str | None:
        """Why a reading of `ts` that arrived at `at` does not count; None where it does."""
        if ts > at + self.rule.max_future:
            return "future"
        if ts == self.last_ts and id is not None and id in self.ids:
            return "duplicate"
        return "late" if ts < self.last_ts else None

    def flags(self) -> tuple[str, ...]:
        """The flags that are not as in a normal alarm, in a fixed order."""
        out = []
        if not self.enabled:
            out.append("disabled")
        if self.active:
            out.append("active")
        if not self.acked:
            out.append("unacked")
        if self.shelved:
            out.append("shelved:" + self.shelved)
        if self.suppressed:
            out.append("suppressed")
        if self.oos:
            out.append("oos")
        if self.latched:
            out.append("latched")
        if self.no_data:
            out.append("no_data")
        if self.flapping:
            out.append("flapping")
        return tuple(out)

    def isa(self) -> str:
        """The ISA-18.2 letter, `-` while disabled."""
        if not self.enabled:
            return "-"
        if self.oos:
            return "G"
        if self.suppressed:
            return "F"
        if self.shelved:
            return "E"
        if self.active:
            return "C" if self.acked else "B"
        return "D" if not self.acked or self.latched else "A"

    def plain(self) -> dict[str, Any]:
        """The fields that differ from a new state, as plain JSON data."""
        out = {
            name: list(value) if type(value) is tuple else value
            for name, first in _FIRST.items()
            if (value := getattr(self, name)) != first
        }
        if self.counters:
            out["counters"] = dict(self.counters)
        return out

    def take(self, data: Mapping[str, Any]) -> None:
        """Read back what `plain` gave."""
        for name, first in _FIRST.items():
            value = data.get(name, first)
            setattr(self, name, tuple(value) if type(value) is list else value)
        self.counters = dict(data.get("counters", {}))

    def is_pristine(self) -> bool:
        """Whether only good readings ever came, so that the slot alone can stand for it."""
        if self.seq or self.phase != "normal":
            return False
        return all(getattr(self, name) == first for name, first in _UNTOUCHED.items())


_RUNNING = (
    "armed_event",
    "armed_wall",
    "born",
    "counters",
    "index",
    "rule",
    "slot",
    "subject",
    "synced",
)
_MOVED_BY_READINGS = (
    "clock", "wall", "floor", "wall_floor", "levels", "last_ts", "ids", "last_good", "last_value",
    "unit", "seen_unit",
    "evidence",
)  # fmt: skip
_NEW = State(Rule({}), "", Slot())
PLAIN = tuple(name for name in State.__slots__ if name not in _RUNNING)
_FIRST = {name: getattr(_NEW, name) for name in PLAIN}
_UNTOUCHED = {name: first for name, first in _FIRST.items() if name not in _MOVED_BY_READINGS}
