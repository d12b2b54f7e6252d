"""Two-state values: 1.0 or 0.0 inside, a word (`on`, `closed`, …) in definitions and displays.

| Metrics | 1 | 0 |
|---|---|---|
| contact | closed | open |
| door, window, opening, garage_door | open | closed |
| lock | unlocked | locked |
| availability, connectivity, camera_online | online | offline |
| motion, occupancy, presence, state, … | on | off |
| made by `threshold` (`temperature_above`) | on | off |
"""

CONDITIONS = ("above", "below", "outside", "inside", "is", "silent", "seen")
"""Conditions of `threshold`; each names the metrics that it makes, `METRIC_CONDITION`."""
_SUFFIXES = tuple(f"_{kind}" for kind in CONDITIONS)

_ON_OFF = (
    "motion occupancy presence state vibration tamper water_leak leak smoke gas_alarm"
    " carbon_monoxide heat sound battery_low threshold problem running agreement camera_refused"
    " camera_frozen camera_dark camera_covered camera_blurred camera_moved"
    " camera_unrecorded"
)
_WORDS: dict[str, tuple[str, str]] = {
    "contact": ("open", "closed"),
    **dict.fromkeys(("door", "window", "opening", "garage_door"), ("closed", "open")),
    "lock": ("locked", "unlocked"),
    **dict.fromkeys(("availability", "connectivity", "camera_online"), ("offline", "online")),
    **dict.fromkeys(_ON_OFF.split(), ("off", "on")),
}
"""Metric: the words of 0 and of 1."""

COMMON: dict[str, float] = {
    **dict.fromkeys(["on", "true", "yes", "1", "online", "open", "opened", "home"], 1.0),
    **dict.fromkeys(["off", "false", "no", "0", "offline", "closed", "not_home"], 0.0),
}
"""Words that devices and people write for 1 and 0, in lower case."""
CONTACT: dict[str, float] = {"open": 0.0, "opened": 0.0, "closed": 1.0}
"""Words of a contact, which is 1 when closed."""
LOCK: dict[str, float] = {"locked": 0.0, "unlocked": 1.0}
_GENERAL = {**COMMON, **LOCK, "detected": 1.0, "wet": 1.0, "clear": 0.0, "dry": 0.0}
_OF_CONTACT = {**_GENERAL, **CONTACT}


def word(metric: str | None, number: float | None) -> str | None:
    """Return the word of 1 or 0 in a two-state metric; None for other numbers and metrics."""
    if metric is None or number not in (0, 1):
        return None
    if metric.endswith(_SUFFIXES):
        return "on" if number else "off"
    words = _WORDS.get(metric)
    return None if words is None else words[int(number)]


def number(metric: str | None, text: str) -> float | None:
    """Return 1.0 or 0.0 for a word in any case, in the sense of the metric; None for others."""
    return (_OF_CONTACT if metric == "contact" else _GENERAL).get(text.strip().lower())


def is_two_state(metric: str | None) -> bool:
    """Whether a device's metric has words for its values."""
    return metric in _WORDS
