"""The words of two-state metrics: 1 and 0 inside, `on` and `off`, `open` and `closed`, … in
definitions and displays.

contact                                   1 closed, 0 open
door, window, opening, garage_door        1 open, 0 closed
lock                                      1 unlocked, 0 locked
availability, connectivity                1 online, 0 offline
motion, occupancy, presence, state, …     1 on, 0 off
"""

_CLOSED_IS_ONE = ("contact",)
_OPEN_IS_ONE = ("door", "window", "opening", "garage_door")
_ON_OFF = (
    "motion", "occupancy", "presence", "state", "vibration", "tamper", "water_leak", "leak", "smoke", "gas_alarm", "heat",
    "sound", "battery_low", "threshold", "problem", "running", "agreement",
)  # fmt: skip

_WORDS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(_CLOSED_IS_ONE, ("open", "closed")),
    **dict.fromkeys(_OPEN_IS_ONE, ("closed", "open")),
    "lock": ("locked", "unlocked"),
    "availability": ("offline", "online"),
    "connectivity": ("offline", "online"),
    **dict.fromkeys(_ON_OFF, ("off", "on")),
}
"""Metric: the words of 0 and of 1."""

_ANY = {
    **dict.fromkeys(
        (
            "on",
            "true",
            "yes",
            "1",
            "online",
            "open",
            "opened",
            "home",
            "detected",
            "wet",
            "unlocked",
        ),
        1.0,
    ),
    **dict.fromkeys(
        ("off", "false", "no", "0", "offline", "closed", "not_home", "clear", "dry", "locked"), 0.0
    ),
}
_CONTACT = {**_ANY, "open": 0.0, "opened": 0.0, "closed": 1.0}


def to_number(metric: str | None, word: str) -> float | None:
    """1.0 or 0.0 of a word, in the sense of the metric; None if it is no word of a two-state
    value. Any case.
    """
    return (_CONTACT if metric in _CLOSED_IS_ONE else _ANY).get(word.strip().lower())


def to_word(metric: str | None, number: float | None) -> str | None:
    """The word of 1 or 0 in a two-state metric; None for other numbers and metrics."""
    if number not in (0, 1) or metric not in _WORDS:
        return None
    return _WORDS[metric][int(number)]


def is_two_state(metric: str | None) -> bool:
    """Whether values of the metric are shown as words."""
    return metric in _WORDS
