"""Labels of saved alarms: which of them steps gave, and what steps give them after an edit."""

from collections.abc import Iterator, Mapping
from typing import Any

from operators.alarms.engine.machine import Engine
from operators.alarms.engine.registry import Key
from operators.alarms.engine.state import Slot
from operators.alarms.rule_builder import Definition, sample
from operators.component import Selects
from operators.events import Reading

Saved = dict[str, Any]
"""`names` that steps may give labels, and by subject the `own` labels of a device among them."""


def given_labels(engine: Engine, above: Selects) -> Saved:
    """Which labels of the alarms are from steps above."""
    if not above.names:
        return {}
    own = {}
    for signal, _, slot in _signals(engine):
        names = above.names & signal.labels.keys() if slot.state is not None else None
        if names and (left := names - above.given(signal)):
            own[signal.subject] = sorted(left)
    return {"names": sorted(above.names), "own": own}


def label_anew(engine: Engine, definition: Definition, given: Mapping[str, Any]) -> dict[Key, bool]:
    """Give saved alarms the labels that steps above give them now.

    Return those that have others than before (True), or whose readings come no more (False).
    """
    names, own = frozenset(given.get("names", ())), given.get("own", {})
    moved: dict[Key, bool] = {}
    for signal, rule_id, slot in _signals(engine):
        about = slot.about
        assert about is not None
        left = names.difference(own.get(signal.subject, ()))
        labels = definition.labels_now(signal.subject, about, signal.unit, left)
        if labels is None:
            moved[rule_id, signal.subject] = False
        elif labels != about[1]:
            slot.about = (about[0], labels)
            moved[rule_id, signal.subject] = True
    return moved


def _signals(engine: Engine) -> Iterator[tuple[Reading, str, Slot]]:
    """What is known of each alarm's readings, with its rule and slot."""
    for rule_id, slots in engine.slots.items():
        for subject, slot in slots.items():
            if slot.about is not None:
                unit = slot.mode[3] if slot.state is None else slot.state.seen_unit
                yield sample(subject, slot.about, unit), rule_id, slot
