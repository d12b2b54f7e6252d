"""What is counted of alarms: bins of 600 s, and the present state of each key."""

import math
from collections import Counter
from dataclasses import dataclass, field

BIN = 600.0
DAY = 86_400.0
OVERLOAD, FLOOD_ENDS = 10, 5
CHATTER_COUNT, CHATTER_SPAN = 3, 60.0
FLEETING = 10.0
STALE = 86_400.0
RENEWED = 3
MOST_KEYS = 10_000
"""Of so many keys a bin keeps its own count; further ones are counted together."""
OTHERS = ("", "others")
MASKS = ("shelved", "suppressed", "oos")

Key = tuple[str, str]


@dataclass
class Bin:
    """What happened in 600 s."""

    annunciated: int = 0
    masked: int = 0
    fleeting: int = 0
    censored: int = 0
    realarmed: int = 0
    escalated: int = 0
    by_rule: Counter[str] = field(default_factory=Counter)
    by_key: Counter[Key] = field(default_factory=Counter)
    by_priority: Counter[str] = field(default_factory=Counter)
    chattering: set[Key] = field(default_factory=set)
    acks: list[float] = field(default_factory=list)


@dataclass(slots=True)
class KeyState:
    """A key that is not as in a normal alarm, or was activated just now."""

    flags: tuple[str, ...] = ()
    activated_at: float = -math.inf
    annunciated_at: float | None = None
    annunciated: bool = False
    awaits_ack: bool = False
    activations: tuple[float, ...] = ()
    shelved_from: float | None = None
    renewals: int = 0
    hidden_by: str = ""
