"""Conditions of alarms on pages as people write them, read as rules for flows."""

import math
import re
from typing import Any, Literal, NamedTuple

Kind = Literal["above", "below", "crosses"]
_WORDS: dict[str, Kind] = {
    "above": "above",
    "over": "above",
    ">": "above",
    ">=": "above",
    "below": "below",
    "under": "below",
    "<": "below",
    "<=": "below",
    "crosses": "crosses",
    "cross": "crosses",
    "crossing": "crosses",
}
_NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?"
_LEVEL = re.compile(_NUMBER)
_WORD = "|".join(
    rf"\b{word}" if word.isalpha() else word for word in sorted(_WORDS, key=len, reverse=True)
)
_CONDITION = re.compile(
    rf"(?:(?P<metric>[a-z][a-z0-9_.]*)\s*(?:is\s+)?)??(?P<word>{_WORD})\s*[:=]?\s*(?P<level>{_NUMBER})?",
    re.IGNORECASE,
)
_ANY_METRIC = ("price", "value", "last", "quote", "it")


class RuleText(NamedTuple):
    """A condition that was understood. `metric` is None for whatever the subject measures."""

    kind: Kind
    level: float
    metric: str | None = None

    def columns(self) -> dict[str, Any]:
        """The columns of its row in the topic of rules."""
        row: dict[str, Any] = {self.kind: self.level}
        return row | ({"metric": self.metric} if self.metric else {})


def read_condition(condition: str, option: str) -> RuleText | None:
    """The rule that `condition` and `option` say; None if only a person can evaluate it.

    The condition is `above`, `below` or `crosses` (also `>`, `<`) with a level behind it, or alone
    with the level as `option`: `above 1.08`, `price > 1.08`, `crosses` with the option `1.08`. A
    level may have a decimal comma.
    """
    match = _CONDITION.fullmatch(condition.strip())
    if match is None:
        return None
    text = match["level"] or (option.strip() if _LEVEL.fullmatch(option.strip()) else None)
    if text is None:
        return None
    level = float(text.replace(",", "."))
    if not math.isfinite(level):
        return None
    metric = (match["metric"] or "").lower()
    return RuleText(
        _WORDS[match["word"].lower()], level, None if metric in ("", *_ANY_METRIC) else metric
    )
