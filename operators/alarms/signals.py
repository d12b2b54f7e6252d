"""One alarm for each signal: which rule judges a reading, where a subject has several metrics.

The first metric of a subject that a rule judges has the rule itself. Each further one has the rule
`ID/METRIC`, which says in `of` whose it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from operators.alarms.engine.machine import Engine
from operators.alarms.engine.rule import Rule
from operators.decoding.payloads.metrics import METRICS, may_be_two_state
from operators.model.units import UNITS

Make = Callable[[Mapping[str, Any]], Rule]
"""Makes the rule of a record."""


def signal_rule(engine: Engine, rule_id: str, event: Any, make: Make) -> str:
    """Return the id of the rule that judges the signal of an event, made if need be."""
    metric, subject = getattr(event, "metric", None), event.subject
    if metric is None:
        return rule_id
    further = f"{rule_id}/{metric}"
    if subject in engine.slots.get(further, ()):
        return further
    slot = engine.slots[rule_id].get(subject)
    if slot is None or slot.about is None or slot.about[0] in (None, metric):
        return rule_id
    if further not in engine.rules:
        engine.put_rule(of_signal(engine.rules[rule_id], further, make))
    return further


def of_signal(rule: Rule, rule_id: str, make: Make) -> Rule:
    """Return a rule under the id of one of its signals."""
    return rule if rule.id == rule_id else make({**rule.record, "id": rule_id, "of": rule.of})


def rules_of(engine: Engine, rule_id: str) -> list[str]:
    """Return the ids of a rule and of its further signals."""
    return [rule.id for rule in engine.rules.values() if rule.of == rule_id]


def is_state(event: Any) -> bool:
    """Whether an event is good and may be on or off."""
    good = getattr(event, "quality", "good") == "good"
    return good and may_be_two_state(getattr(event, "metric", None), getattr(event, "unit", None))


def concerns(rule: Rule, event: Any, asks_for_word: bool) -> bool:
    """Whether a condition is about the kind of quantity that an event measures.

    A limit in °C is not about a humidity, nor about a brightness, which has no unit; `is: on` is
    not about a battery at 1 %.
    """
    metric, unit = getattr(event, "metric", None), getattr(event, "unit", None)
    if asks_for_word:
        return may_be_two_state(metric, unit)
    known, wanted = METRICS.get(metric or ""), rule.unit
    if wanted is None:
        return True
    if unit is None:
        if known is None or known.kind == "any":
            return True
        unit = known.unit
    return unit == wanted or (unit in UNITS and UNITS[unit][0] == UNITS[wanted][0])
