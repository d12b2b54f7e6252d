"""The condition of an alarm in words: `above 30 °C for 2min`."""

from typing import Any

from operators.alarms.engine.rule import Level
from operators.alarms.engine.state import State
from operators.model import two_state
from operators.model.units import duration_text

_KINDS = {"rate_above": "rises by more than", "rate_below": "rises by less than", "equals": "is"}


def condition_words(state: State, metric: str | None) -> str | None:
    """What a rule asks, with the limit of the highest level that is on; None without a limit."""
    rule = state.rule
    if rule.absent is not None:
        return f"silent for {duration_text(rule.absent)}"
    if rule.pulse is not None:
        return "seen"
    if not rule.levels or not rule.levels[0].kind:
        return None
    on = [level for level, held in zip(rule.levels, state.levels, strict=False) if held]
    words = _level(on[-1] if on else rule.levels[0], metric, rule.unit or state.unit)
    if rule.times:
        words += f" {rule.times[0]} times in {duration_text(rule.times[1])}"
    return words + (f" for {duration_text(rule.on_delay)}" if rule.on_delay else "")


def _level(level: Level, metric: str | None, unit: str | None) -> str:
    limit = level.limit
    if isinstance(limit, (list, tuple)):
        shown = " to ".join(_number(edge) for edge in limit)
    else:
        word = two_state.word(metric, limit) if level.kind == "equals" else None
        shown = word or _number(limit)
    of = unit if unit and not isinstance(limit, (bool, str)) else ""
    return " ".join(filter(None, (_KINDS.get(level.kind, level.kind), shown, of)))


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.6g}" if isinstance(value, (int, float)) else str(value)
