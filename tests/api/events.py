"""Events as flows write them."""

from typing import Any

from operators.events import AlarmTransition, Reading


def reading(number: int, value: float | None = 21.5, **others: Any) -> Reading:
    """The reading `r{number}` at `number` seconds: the temperature of `rack` by default."""
    values: dict[str, Any] = {
        "subject": "rack",
        "metric": "temperature",
        "unit": "°C",
        "time": float(number),
    }
    return Reading(id=f"r{number}", value=value, **values | others)


def alarm(seq: int, isa: str = "B", **others: Any) -> AlarmTransition:
    """Transition `seq` of the alarm `too_hot` of `rack`: raised, unless said otherwise."""
    words = {"A": "normal", "B": "unacked", "C": "acked", "D": "returned", "E": "shelved"}
    values: dict[str, Any] = {
        "id": f"a{seq}", "time": float(seq), "recorded": float(seq), "rule": "server_room/too_hot",
        "alarm": "too_hot",
        "subject": "rack", "occ": 1, "event": "activated", "change": "raised", "state": words.get(isa, "suppressed"),
        "priority": "high", "value": 31.0, "unit": "°C", "limit": 30.0, "metric": "temperature",
        "response": "Check the air conditioning, then call facilities.",
    }  # fmt: skip
    return AlarmTransition(seq=seq, isa=isa, **values | others)
