"""Cameras that people stopped or removed: their silence is no alarm."""

from typing import Any

from operators.alarms.engine.machine import Engine
from operators.events import Frame, Reading

ONLINE = "camera_online"
"""The metric by which a camera tells that it is looked at again, before its first picture."""


class Departures:
    """Ends the alarms on a camera's presence with its last frame (`over`).

    What was under way then, and what is counted of it afterwards, does not begin them anew.
    """

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def take(self, engine: Engine, event: Any, at: float) -> bool:
        """Take what a camera tells of its end, or what comes after that; False for all else."""
        subject = event.subject
        if type(event) is Frame and event.over:
            self._at[subject] = event.time
            for rule_id in engine.rules_of(subject):
                rule = engine.rules[rule_id]
                if rule.watches_silence or rule.absent is not None:
                    engine.end(rule_id, subject, at, event.time)
            return True
        over = self._at.get(subject)
        if over is None:
            return False
        is_sign = type(event) is Frame or (type(event) is Reading and event.metric == ONLINE)
        if event.time <= over or not is_sign:
            return True
        del self._at[subject]
        return False
