"""Random edits of a definition while its alarms stand, beside a flow that always had the last one.

`python -m tests.flows.dataflow.edits 10000 [FIRST_SEED]` plays that many.
"""

import random
import sys
from collections import Counter
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from flows.dataflow.compiler import compile_flow
from flows.dataflow.plan import COMMANDS, Plan
from flows.dataflow.playback import Playback
from flows.language.model import Flow
from operators.alarms.base_logic import AlarmLogic
from operators.alarms.engine.state import State
from operators.events import AlarmTransition, Event, Occurrence
from tests.flows.dataflow.random_flows.definitions import (
    CALM,
    DECISIVE,
    FLOORS,
    FLOORS_OF_READINGS,
    START,
    SUBJECTS,
    WARM,
    Definition,
    Rules,
    command,
    definition,
    enriched,
    hiders_of,
    history,
    reading,
    row,
    rules,
)  # fmt: skip
from tests.flows.dataflow.seeds import play


def plan_of(one: Definition) -> Plan:
    flow = Flow.model_validate(one)
    return compile_flow(flow, one["tables"], ZoneInfo("Europe/Paris")).plan


def _name(alarm: str, rule_id: str) -> str:
    """What an alarm is called here: one of several rules by its rule."""
    return rule_id if alarm == "ruled" else alarm


class Site:
    """A flow on a virtual clock, and what is shown of its alarms."""

    def __init__(self, one: Definition) -> None:
        self.plan = plan_of(one)
        self.said: list[str] = []
        self._rows: dict[str, Event] = {}
        self.playback = Playback(
            self.plan,
            START,
            lambda outputs: self.said.extend(
                event.event
                for event in outputs.get("all", ())
                if isinstance(event, AlarmTransition)
            ),
        )

    def edit(self, one: Definition) -> None:
        self.plan = plan_of(one)
        self.playback.restart(self.plan)
        self.playback.feed("rows", [*self._rows.values()], self.playback.now)

    def write(self, written: Rules, before: Rules, at: float) -> None:
        """Let people write rules, or take them back."""
        for name in sorted(written.keys() | before.keys()):
            data = {"id": name, **written.get(name, {"deleted": True})}
            if written.get(name) != before.get(name):
                event = Occurrence(id=f"{name}-{at}", time=at, subject=name, type="rule", data=data)
                self.give("rules", event, at)

    def give(self, source: str, event: Event, at: float) -> None:
        if source == "rows":
            self._rows[event.subject] = event
        self.playback.advance(at)
        self.playback.feed(source, [event], at)

    def shown(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        """What stands or is hidden, by alarm and subject, but for what people did."""
        found = {}
        for node in self.plan.nodes:
            if not node.is_alarm:
                continue
            logic = self.playback.logic(node.steps[0].identity)
            assert isinstance(logic, AlarmLogic)
            for rule_id, slots in logic.engine.slots.items():
                for subject in slots:
                    s = logic.engine.state(rule_id, subject)
                    assert s is not None
                    hidden = bool(s.inhibitors or s.hold_until is not None)
                    one = (
                        s.active,
                        hidden,
                        s.no_data,
                        s.active and s.latched,
                        s.active and s.severity,
                    )
                    if any(one):
                        found[_name(node.name, rule_id), subject] = one
        return found

    def watched(self, since: float = 0.0) -> set[tuple[str, str]]:
        """The alarms and subjects whose last reading is known, came `since`, and is in no deadband."""
        return {
            (_name(node.name, rule_id), subject)
            for node in self.plan.nodes
            if node.is_alarm
            for rule_id, slots in self.playback.logic(node.steps[0].identity).engine.slots.items()  # type: ignore[attr-defined]
            for subject, slot in slots.items()
            if slot.about is not None
            and float((slot.id or "0/").partition("/")[0]) >= since
            and not (slot.state and (slot.state.gone or slot.state.bad or was_ended(slot.state)))
            and slot.value in (*DECISIVE, 1.0)
        }


def was_ended(s: State) -> bool:
    """Whether an alarm whose reading came no longer was expected anew by a rule that was written."""
    return s.last_value is None and s.last_good is not None


class Difference(AssertionError):
    """What an edited flow shows is not what it would show had it always been so."""


def check_seed(seed: int, said: Counter[str] | None = None) -> None:
    """Edit a flow a few times; raises `Difference` with what is wrong."""
    rng = random.Random(seed)
    versions = [definition(rng)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        versions.append(definition(rng, versions[-1]))
    written = [rules(rng)]
    for _ in versions[1:]:
        written.append(rules(rng, written[-1]))
    edited, always = Site(versions[0]), Site(versions[-1])
    at, since, spoke = START + 60.0, START, set[str]()
    floors = rng.choice(FLOORS_OF_READINGS)
    is_vague = len(floors) > 1 or any(map(enriched, versions))
    always.write(written[-1], {}, START)
    for number, version in enumerate(versions):
        if number:
            edited.edit(version)
        edited.write(written[number], written[number - 1] if number else {}, at)
        watched = edited.watched() if number == len(versions) - 1 and not is_vague else set()
        if number == len(versions) - 1:
            _compare(f"seed {seed}, at the edit", edited, always, version, watched, 0.0)
        since = at
        at = _play(rng, at, edited, always, list(version["alarms"]), spoke, floors)
    warm = [name for name, one in versions[-1]["alarms"].items() if one["from"] in WARM]
    known = {(name, subject) for name in warm for subject in spoke} & always.watched()
    known = known & edited.watched(since) if is_vague else known | edited.watched()
    _compare(
        f"seed {seed}, later", edited, always, versions[-1], known, since if is_vague else START
    )
    if said is not None:
        said.update(edited.said)


def _play(
    rng: random.Random,
    at: float,
    edited: Site,
    always: Site,
    alarms: list[str],
    spoke: set[str],
    floors: tuple[str, ...],
) -> float:
    spoke.clear()
    for n, (when, event) in enumerate(history(rng, at, floors)):
        at = when
        if event.metric == "temperature":
            (spoke.add if event.value in DECISIVE else spoke.discard)(event.subject)
        for site in (edited, always):
            site.give("s", event, at)
        if rng.random() < 0.1:
            written = row(rng, at)
            for site in (edited, always):
                site.give("rows", written, at)
        if alarms and rng.random() < 0.15:
            edited.give(COMMANDS, command(rng, n, at, alarms), at)
        if rng.random() < 0.1:
            edited.playback.restart()
    at += CALM
    for site in (edited, always):
        site.playback.advance(at)
    return at


def _compare(
    when: str,
    edited: Site,
    always: Site,
    version: Definition,
    known: set[tuple[str, str]],
    since: float,
) -> None:
    """`known` are the alarms whose last reading the edited flow has seen.

    Labels that change count from the next reading on: then only what came `since` is compared.
    """
    at = edited.playback.now + 1.0
    for site in (edited, always):
        for subject, floor in product(SUBJECTS, FLOORS):  # what arms may be chosen by its label
            given = reading(int(at), at, subject, "key", float(subject == "f1"), floor)
            site.give("s", given, at)
    ours, theirs = edited.shown(), always.shown()
    seen = edited.watched(since)  # what hides an alarm must be known, too
    hiders = {name: hiders_of(one) for name, one in version["alarms"].items()}
    hiders |= {name: hiders.get("ruled", []) for name, _ in known if name.startswith("f/ruled")}
    known = {
        (name, subject)
        for name, subject in known
        if all((hider, one) in seen for hider in hiders.get(name, ()) for one in SUBJECTS)
    }
    for key in sorted(set(ours) | set(theirs)):
        if key in known and ours.get(key) != theirs.get(key):
            raise Difference(
                f"{when}: {key} is {ours.get(key)}, and would be {theirs.get(key)}\n"
                f"  {version['alarms'].get(key[0])}\n  {version['tables']}"
            )


if __name__ == "__main__":
    sys.exit(play(check_seed, *map(int, sys.argv[1:])))
