"""The fast path: readings that change nothing about an alarm, so that the engine skips them."""

import math

from operators.alarms.engine.lifecycle import highest_level
from operators.alarms.engine.rule import Level
from operators.alarms.engine.state import LARGEST, SLOW, Mode, State
from operators.alarms.engine.timers import NO_DATA, event_timers, wall_timers
from operators.model.hysteresis import NOTHING, Interval
from operators.model.units import UNITS

_ALL: Interval = (-LARGEST, LARGEST)


def inert_values(s: State) -> Interval:
    """Values of a good reading that would leave phase, levels and severity as they are.

    Empty if that is unknown.
    """
    rule, phase = s.rule, s.phase
    voting = rule.n_of_m or rule.times or rule.in_a_row
    if (
        not s.enabled
        or s.gone
        or s.no_data
        or rule.window
        or (phase != "normal" and (rule.pulse or voting))
    ):
        return NOTHING
    if phase == "normal":
        if s.pulse_at is not None or (rule.times and s.window) or s.run:
            return NOTHING
        if rule.n_of_m and s.window != (False,) * rule.n_of_m[1]:
            return NOTHING
        if not rule.levels:
            return _ALL
        if any(s.levels):
            return NOTHING
        parts = [level.unbreached for level in rule.levels]
    else:
        if (
            not rule.levels
            or len(s.levels) != len(rule.levels)
            or isinstance(s.last_value, (str, bool))
            or s.last_value is None
        ):
            return NOTHING
        if phase == "recovering":
            if any(s.levels):
                return NOTHING
            parts = [level.normal for level in rule.levels]
        else:
            if not any(s.levels):
                return NOTHING
            if phase == "active" and (s.drift is not None or s.severity != highest_level(s)):
                return NOTHING
            parts = [
                _values_on(level, phase, s.last_value) if on else level.unbreached
                for level, on in zip(rule.levels, s.levels, strict=True)
            ]
    return finite(parts)


def _values_on(level: Level, phase: str, value: float) -> Interval:
    """Values that keep a level on, on the side of `value`."""
    return level.held_beside(value) if phase == "active" else level.breach_beside(value)


def finite(parts: list[Interval]) -> Interval:
    """Values that lie in every interval and are no infinity, which is no data."""
    low, high = max(low for low, _ in parts), min(high for _, high in parts)
    return max(low, -LARGEST), min(high, LARGEST)


def mode_of(s: State, slot_ts: float) -> Mode:
    """The slot's mode for the present state; `slot_ts` is the time that the slot will show."""
    if wall_timers(s):
        return SLOW
    low, high = inert_values(s)
    if low > high:
        return SLOW
    due = math.inf
    for deadline, kind in event_timers(s):
        if (kind != NO_DATA or s.last_good != slot_ts) and deadline < due:
            due = deadline
    low, high = in_unit(low, high, s.rule.unit, s.seen_unit)
    return low, high, due, s.seen_unit


def in_unit(low: float, high: float, unit: str | None, seen: str | None) -> Interval:
    """An interval in `unit` in another unit of its kind, narrower by a rounding error."""
    if seen is None or unit is None or seen == unit:
        return low, high
    if seen not in UNITS or unit not in UNITS or UNITS[seen][0] != UNITS[unit][0]:
        return NOTHING
    _, factor, offset = UNITS[seen]
    _, to_factor, to_offset = UNITS[unit]

    def seen_as(x: float, inwards: int) -> float:
        if abs(x) == LARGEST:
            return math.copysign(LARGEST / 1e9, x)
        y = (x * to_factor + to_offset - offset) / factor
        return y + inwards * 1e-12 * (abs(y) + abs(offset) + abs(to_offset) + 1e-9)

    return seen_as(low, 1), seen_as(high, -1)
