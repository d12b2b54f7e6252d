"""What the alarms of an engine are at present, by subject."""

from operators.alarms.engine.machine import Engine
from operators.alarms.engine.state import Slot
from operators.alarms.hiding import Member
from operators.alarms.transition_events import STATE_OF

_URGENCY = {word: n for n, word in enumerate(
    ("normal", "disabled", "suppressed", "shelved", "out_of_service", "returned", "acked",
    "unacked")
)}  # fmt: skip


def states_of(engine: Engine) -> dict[str, str]:
    """The state of each subject: normal, unacked, …; the most urgent of several rules."""
    out: dict[str, str] = {}
    for slots in engine.slots.values():
        for subject, slot in slots.items():
            word = STATE_OF[slot.state.isa() if slot.state is not None else "A"]
            if subject not in out or _URGENCY[word] > _URGENCY[out[subject]]:
                out[subject] = word
    return out


def standing_of(engine: Engine) -> list[Member]:
    """The alarms that hide others: active, and in service."""
    return [
        Member(subject, rule_id, slot.about[1] if slot.about else {})
        for rule_id, slots in engine.slots.items()
        for subject, slot in slots.items()
        if is_standing(slot)
    ]


def is_standing(slot: Slot) -> bool:
    """Whether an alarm hides others: it is active, and in service."""
    return slot.state is not None and slot.state.active and not slot.state.oos
