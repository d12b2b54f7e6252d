"""The fast lane: which readings change nothing about an alarm, so that the engine need not look
at them.
"""

import math

from operators.alarms.engine.lifecycle import highest_level
from operators.alarms.engine.rule import Level
from operators.alarms.engine.state import LARGEST, SLOW, Mode, State
from operators.alarms.engine.timers import NO_DATA, event_timers, wall_timers
from operators.model.units import UNITS

Interval = tuple[float, float]
_NONE: Interval = (math.inf, -math.inf)
_ALL: Interval = (-LARGEST, LARGEST)


def _over(x: float) -> float:
    return math.nextafter(x, math.inf)


def _under(x: float) -> float:
    return math.nextafter(x, -math.inf)


def quiet_values(level: Level) -> Interval:
    """Values that are no breach of a level."""
    kind, limit = level.kind, level.limit
    if kind == "above":
        return -LARGEST, limit
    if kind == "below":
        return limit, LARGEST
    if kind == "outside":
        return limit[0], limit[1]
    if kind == "equals":
        if isinstance(limit, (bool, str)):
            return _ALL
        return (-LARGEST, _under(limit)) if limit > 0 else (_over(limit), LARGEST)
    return _NONE


def _held_values(level: Level, value: float) -> Interval:
    """Values that keep a level on which is on: breach or band."""
    kind, edges = level.kind, level.edges
    if kind == "above":
        return _over(edges[0]), LARGEST
    if kind == "below":
        return -LARGEST, _under(edges[0])
    if kind == "outside":
        return (_over(edges[3]), LARGEST) if value > edges[3] else (-LARGEST, _under(edges[2]))
    if kind == "equals" and not isinstance(level.limit, (bool, str)):
        return level.limit, level.limit
    return _NONE


def _breach_values(level: Level, value: float) -> Interval:
    kind, limit = level.kind, level.limit
    if kind == "above":
        return _over(limit), LARGEST
    if kind == "below":
        return -LARGEST, _under(limit)
    if kind == "outside":
        return (_over(limit[1]), LARGEST) if value > limit[1] else (-LARGEST, _under(limit[0]))
    return _held_values(level, value)


def _normal_values(level: Level) -> Interval:
    kind, edges = level.kind, level.edges
    if kind == "above":
        return -LARGEST, edges[0]
    if kind == "below":
        return edges[0], LARGEST
    if kind == "outside":
        return edges[2], edges[3]
    return quiet_values(level)


def inert_values(s: State) -> Interval:
    """Values of a good reading that would leave phase, levels and severity as they are; empty
    where that is unknown.
    """
    rule, phase = s.rule, s.phase
    voting = rule.n_of_m or rule.times
    if not s.enabled or s.no_data or rule.window or (phase != "normal" and (rule.pulse or voting)):
        return _NONE
    if phase == "normal":
        if s.pulse_at is not None or (rule.times and s.window):
            return _NONE
        if rule.n_of_m and s.window != (False,) * rule.n_of_m[1]:
            return _NONE
        if not rule.levels:
            return _ALL
        if any(s.levels):
            return _NONE
        parts = [quiet_values(level) for level in rule.levels]
    else:
        if (
            not rule.levels
            or len(s.levels) != len(rule.levels)
            or isinstance(s.last_value, (str, bool))
            or s.last_value is None
        ):
            return _NONE
        if phase == "recovering":
            if any(s.levels):
                return _NONE
            parts = [_normal_values(level) for level in rule.levels]
        else:
            if not any(s.levels):
                return _NONE
            if phase == "active" and (s.drift is not None or s.severity != highest_level(s)):
                return _NONE
            on_values = _held_values if phase == "active" else _breach_values
            parts = [
                on_values(level, s.last_value) if on else quiet_values(level)
                for level, on in zip(rule.levels, s.levels, strict=True)
            ]
    return max(low for low, _ in parts), min(high for _, high in parts)


def mode_of(s: State, lane_ts: float) -> Mode:
    """The slot's mode for the present state; `lane_ts` is the time that the slot will show."""
    if wall_timers(s):
        return SLOW
    low, high = inert_values(s)
    if low > high:
        return SLOW
    due = math.inf
    for deadline, kind in event_timers(s):
        if (kind != NO_DATA or s.last_good != lane_ts) and deadline < due:
            due = deadline
    low, high = in_unit(low, high, s.rule.unit, s.seen_unit)
    return low, high, due, s.seen_unit


def in_unit(low: float, high: float, unit: str | None, seen: str | None) -> Interval:
    """An interval in `unit` as seen in another unit of its kind; a hair narrower, so that
    rounding cannot hide a step.
    """
    if seen is None or unit is None or seen == unit:
        return low, high
    if seen not in UNITS or unit not in UNITS:
        return _NONE
    _, factor, offset = UNITS[seen]
    _, to_factor, to_offset = UNITS[unit]

    def seen_as(x: float, inwards: int) -> float:
        if abs(x) == LARGEST:
            return math.copysign(LARGEST / 1e9, x)
        y = (x * to_factor + to_offset - offset) / factor
        return y + inwards * 1e-12 * (abs(y) + abs(offset) + abs(to_offset) + 1e-9)

    return seen_as(low, 1), seen_as(high, -1)
