"""Two-state values between the number inside (1.0 or 0.0) and the word that definitions and texts
use.

The signals that `threshold` makes (`temperature_above`) are `on` and `off`; the metrics of devices
have their own words.
"""

from operators.model.words import to_number, to_word

CONDITIONS = ("above", "below", "outside", "is", "silent", "seen")
_SUFFIXES = tuple(f"_{kind}" for kind in CONDITIONS)


def word(metric: str, number: float) -> str | None:
    """The word of a two-state metric's value (`on`, `closed`, …); None for a metric that is a
    number.
    """
    if metric.endswith(_SUFFIXES):
        return "on" if number else "off"
    return to_word(metric, number)


def number(metric: str, text: str) -> float | None:
    """The number of a two-state metric's word; None for a word the metric does not have."""
    return to_number(metric, text)
