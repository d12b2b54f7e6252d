"""What the engine remembers of one alarm: a small slot for every subject, a full state only where one is needed."""

import math
import sys
from collections.abc import Mapping
from typing import Any

from operators.alarms.rule import Rule

NEVER = -1e15
"""No instant yet; finite, so that a snapshot is plain JSON."""

LARGEST = sys.float_info.max
Mode = tuple[float, float, float, str | None]
SLOW: Mode = (math.inf, -math.inf, -math.inf, None)
"""A mode in which every reading is looked at fully."""


class Slot:
    """The part of an alarm that every reading touches.

    `mode` is (low, high, due, unit): a good reading in `unit` with low <= value <= high before `due` changes nothing
    but `ts`, `id`, `value` (as received) and `wall`. `state` is None while nothing ever happened to the subject; `about` is
    the metric and the labels of its readings.
    """

    __slots__ = ("about", "id", "mode", "state", "ts", "value", "wall")

    def __init__(self, state: "State | None" = None) -> None:
        self.about: tuple[str | None, Mapping[str, str]] | None = None
        self.ts = NEVER
        self.id: str | None = None
        self.value: Any = None
        self.wall = NEVER
        self.mode = SLOW
        self.state = state


# Name and first value of every field that a snapshot keeps. Lists are None while empty.
FIELDS: dict[str, Any] = {
    "occ": 0, "seq": 0, "clock": NEVER, "wall": NEVER, "floor": NEVER, "wall_floor": NEVER, "enabled": True,
    "active": False, "acked": True, "shelved": None, "until": None, "manual": False, "inhibitors": (),
    "hold_until": None, "oos": False, "latched": False, "no_data": False, "flapping": False, "phase": "normal",
    "since": None, "levels": (), "severity": None, "drift": None, "last_ts": NEVER, "ids": (), "last_good": None,
    "last_value": None, "unit": None, "seen_unit": None, "window": (), "points": (), "activations": (),
    "pulse_at": None, "annunciated": False, "realarm_from": None, "repeats": 0, "commands": (), "last_flags": (),
    "evidence": None, "activated_at": None, "returned_at": None, "acked_at": None, "edge": None,
}  # fmt: skip
_ANY = frozenset((
    "clock", "wall", "floor", "wall_floor", "levels", "last_ts", "ids", "last_good", "last_value", "unit", "seen_unit",
    "evidence",
))  # fmt: skip


class State:
    """All there is to know of one alarm; `FIELDS` are its plain values, the rest belongs to the running engine.

    Sequences are tuples and are replaced, never changed in place, so that a snapshot may share them.
    """

    __slots__ = (*FIELDS, "armed_event", "armed_wall", "born", "counters", "index", "lane", "rule", "slot", "subject")

    def __init__(self, rule: Rule, subject: str, slot: Slot) -> None:
        for name, value in FIELDS.items():
            setattr(self, name, value)
        self.rule, self.subject, self.slot = rule, subject, slot
        self.counters: dict[str, int] = {}
        self.index = self.born = 0
        self.armed_event = self.armed_wall = math.inf
        self.lane = NEVER
        self.enabled = rule.enabled
        self.last_flags = self.flags()

    @property
    def suppressed(self) -> bool:
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

    def flags(self) -> tuple[str, ...]:
        """The flags that are not as in a quiet alarm, in a fixed order."""
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

    def count(self, word: str) -> None:
        self.counters[word] = self.counters.get(word, 0) + 1

    def plain(self) -> dict[str, Any]:
        """The fields that differ from a new state, as plain JSON data."""
        out = {
            name: list(value) if type(value) is tuple else value
            for name, first in FIELDS.items()
            if (value := getattr(self, name)) != first
        }
        if self.counters:
            out["counters"] = dict(self.counters)
        return out

    def take(self, data: dict[str, Any]) -> None:
        """Read back what `plain` gave."""
        for name, first in FIELDS.items():
            value = data.get(name, first)
            setattr(self, name, tuple(value) if type(value) is list else value)
        self.counters = dict(data.get("counters", {}))

    def is_pristine(self) -> bool:
        """Whether nothing ever happened but good readings, so that the slot alone can stand for it."""
        if self.seq or self.phase != "normal":
            return False
        return all(name in _ANY or getattr(self, name) == first for name, first in FIELDS.items())
