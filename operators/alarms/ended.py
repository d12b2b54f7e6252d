"""The end of what a definition has no alarm for any more."""

import math
from typing import Any

from operators.alarms.engine.machine import Engine
from operators.alarms.engine.snapshot import restore, snapshot
from operators.alarms.engine.state import State
from operators.alarms.engine.transition import Transition
from operators.alarms.transition_events import Renderer
from operators.component import Now
from operators.events import AlarmTransition


def end_alarms(state: Any, identity: str, now: Now) -> tuple[list[AlarmTransition], object]:
    """End all alarms of a saved state; their changes, and the state that is left.

    What is left are the numbers of their last changes, with which an alarm of that identity goes
    on. It counts as edited then, whatever its definition: nobody followed what hides it. Raises
    `KeyError` or `TypeError` for the state of anything else.
    """
    engine, said = Engine(converts=True), list[AlarmTransition]()
    restore(engine, state["engine"])
    name = str(state.get("name") or identity.partition("/")[2])
    renderer = Renderer(name, "", None, None)

    def keep(s: State, transition: Transition) -> None:
        said.append(renderer.event(s, transition, s.slot.about or (None, {})))

    engine.on_transition = keep
    for rule_id in list(engine.rules):
        engine.remove_rule(rule_id, now.wall, now.event if now.event > -math.inf else now.wall)
    left = {**state, "engine": snapshot(engine), "hiding": [], "rows": {}, "definition": None}
    return said, left
