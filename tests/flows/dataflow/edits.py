"""Random edits of a definition while its alarms stand, beside a flow that always had the last one.

`python -m tests.flows.dataflow.edits 10000 [FIRST_SEED]` plays that many.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from flows.dataflow.compiler import compile_flow
from flows.dataflow.plan import COMMANDS, Plan
from flows.dataflow.playback import Playback
from flows.language.model import Flow
from operators.alarms.base_logic import AlarmLogic
from operators.alarms.command_handler import COMMAND
from operators.alarms.engine.state import State
from operators.events import AlarmTransition, Event, Occurrence, Reading
from tests.flows.dataflow.seeds import play

START = 1_767_614_400.0
SUBJECTS = ("f1", "f2", "f3")
FLOORS = ("1", "2", "{subject}")
WARM = ("warmth", "warmth", "cellar")
CALM = 7200.0
"""Longer than every span of a definition but one day; after it only the last readings matter."""
DECISIVE = (-40.0, 0.0, 40.0, 80.0)
"""Temperatures in no deadband of any condition."""
Definition = dict[str, Any]
Rules = dict[str, dict[str, Any]]


def conditions(rng: random.Random) -> Definition:
    """The condition of the alarm `hot`, with what goes with it."""
    when: Definition = rng.choice((
        {"above": "30 °C"}, {"above": "30 °C", "clear": "28 °C"}, {"above": "86 °F"}, {"above": "60 °C"},
        {"below": "10 °C", "clear": "12 °C"}, {"outside": ["-10 °C", "50 °C"]}, {"inside": ["-10 °C", "50 °C"]}, {"silent": "15min"}, {"silent": "3h"},
        {"above": {"column": "limit"}}, {"above": {"column": "limit", "default": "20 °C"}},
    ))  # fmt: skip
    found: Definition = {"when": dict(when)}
    if "silent" not in when:
        if rng.random() < 0.3:
            found["when"]["for"] = rng.choice(("1min", "10min"))
        if rng.random() < 0.3:
            found["when"]["clear_for"] = rng.choice(("1min", "10min"))
        if rng.random() < 0.3:
            found["expect_every"] = rng.choice(("20min", "3h"))
        if rng.random() < 0.4:
            found["bad"] = rng.choice(("hold", "clear", "raise"))
    if when.get("above") == "30 °C" and rng.random() < 0.5:
        found["levels"] = [{"priority": "critical", "above": "70 °C"}]
        if rng.random() < 0.5:
            found["levels"] = [{"priority": "high", "above": "35 °C"}, *found["levels"]]
            found["escalate_after"] = "5min"
    return found


def hot(rng: random.Random, hider: str | None) -> Definition:
    """The alarm that is edited most."""
    options: Definition = {
        "latch": True, "ack": "automatic", "repeat": "30min", "shelve": {"max": rng.choice(("1h", "8h"))},
        "chatter": {"times": 3, "in": "10min", "hold": "15min"}, "page": rng.choice(("one", "two")),
        "armed": rng.choice(({"hours": "08:00-10:00"}, {"hours": "13:00-20:00"}, {"while": "key"})),
        "only": {"subject": rng.sample(SUBJECTS, 2), "metric": "temperature"},
    }  # fmt: skip
    found = {
        "from": rng.choice(WARM), "response": "Go.", "priority": rng.choice(("low", "medium")), **conditions(rng),
        **{key: value for key, value in options.items() if rng.random() < 0.25},
    }  # fmt: skip
    if "only" in found and rng.random() < 0.3:
        found["only"] = {"metric": "temperature", "label": {"floor": ["1", "f1"]}}
    if hider and rng.random() < 0.5:
        found["suppressed_by"] = [rng.choice((hider, {"alarm": hider, "match": "floor"}))]
        if rng.random() < 0.5:
            found["suppress_hold"] = rng.choice(("5min", "20min"))
    return found


def hiders_of(alarm: Definition) -> list[str]:
    """The alarms that hide one."""
    return [one if isinstance(one, str) else one["alarm"] for one in alarm.get("suppressed_by", ())]


def definition(rng: random.Random, before: Definition | None = None) -> Definition:
    """A definition; one after another keeps some of its entries, renames some and drops some."""
    old: Definition = before["alarms"] if before else {}
    old_hider = next((name for name in old if name.startswith("lost")), None)
    hider = (
        old_hider if old_hider and rng.random() < 0.6 else rng.choice(("lost", "lost_power", None))
    )
    alarms: Definition = {}
    if hider:
        alarms[hider] = {
            "from": "mains",
            "only": {"metric": "power"},
            "when": {"is": "off"},
            "response": "Go.",
        }
        if old_hider and old_hider != hider and rng.random() < 0.7:
            alarms[hider]["was"] = old_hider
    for name in ("hot", "warm", "spare"):
        if name in old and rng.random() < 0.3:
            alarms[name] = {key: value for key, value in old[name].items() if key != "was"}
            if not set(hiders_of(alarms[name])) <= set(alarms):
                alarms[name].pop("suppressed_by")
                alarms[name].pop("suppress_hold", None)
        elif rng.random() < 0.85:
            alarms[name] = hot(rng, hider)
    if "warm" in old and "warm" not in alarms and rng.random() < 0.7:
        alarms["tepid"] = {**hot(rng, hider), "was": "warm"}
    if alarms and rng.random() < 0.5:
        alarms["ruled"] = {
            "from": rng.choice(WARM), "rules": "rules", "response": "Go.", "bad": rng.choice(("hold", "clear")),
            **({"suppressed_by": [hider]} if hider and rng.random() < 0.3 else {}),
        }  # fmt: skip
    rows = [{"subject": one, "limit": rng.choice(("20 °C", "60 °C", ""))} for one in SUBJECTS]
    if before and rng.random() < 0.5:
        rows = before["tables"]["freezers"]
    rows = [row for row in rows if rng.random() < 0.9]
    pages = {name: {"title": name, "owner": "user/a"} for name in ("one", "two")}
    return {
        "vigie": 1, "flow": "f", "pages": pages, "tables": {"freezers": rows},
        "sources": {"s": {"topic": "s"}, "rules": {"topic": {"name": "rules", "table": True}}},
        "streams": streams(rng, before),
        "alarms": alarms, "sinks": {"all": {"from": ["alarms"] if alarms else ["s"], "topic": "t"}},
    }  # fmt: skip


def rules(rng: random.Random, before: Rules | None = None) -> Rules:
    """Rules that people write, or change."""
    found: Rules = {}
    for name in ("r1", "r2"):
        if before and name in before and rng.random() < 0.4:
            found[name] = before[name]
        elif rng.random() < 0.8:
            when = rng.choice((
                {"above": "30 °C"}, {"above": "60 °C", "clear": "50 °C"}, {"below": "10 °C"}, {"above": "50 %"},
                {"silent": "15min"}, {"outside": ["-10 °C", "50 °C"], "clear_for": "1min"},
            ))  # fmt: skip
            metric = rng.choice(({}, {}, {"metric": "temperature"}, {"metric": "humidity"}))
            found[name] = {
                "subject": rng.choice((*SUBJECTS, "*", "f?")),
                "priority": rng.choice(("low", "high")), "page": rng.choice(("one", "two")),
                **when, **metric,
            }  # fmt: skip
    return found


def streams(rng: random.Random, before: Definition | None) -> Definition:
    """What comes to the alarms, which an edit may narrow or widen."""
    if before and rng.random() < 0.5:
        return dict(before["streams"])
    found: Definition = {}
    for name, metric in (("warmth", "temperature"), ("mains", "power"), ("key", "key")):
        found[name] = {"from": "s", "steps": [{"only": {"metric": metric}}, *selectors(rng)]}
    steps = selectors(rng) or [{"label": {"floor": "0"}}]
    return {**found, "cellar": {"from": "warmth", "steps": steps}}


def selectors(rng: random.Random) -> list[Definition]:
    """Steps that let some subjects pass, or none such."""
    some = rng.sample(SUBJECTS, rng.choice((1, 2)))
    return rng.choice((
        [], [], [], [{"only": {"subject": some}}], [{"drop": {"subject": some}}],
        [{"label": {"floor": "1"}}, {"only": {"subject": some, "label": {"floor": "1"}}}],
        [{"label": {"floor": rng.choice(FLOORS)}}, *label_selectors(rng)],
        [{"lookup": "freezers"}, *label_selectors(rng)],
    ))  # fmt: skip


def label_selectors(rng: random.Random) -> list[Definition]:
    """Steps that look at labels, or none."""
    wanted = rng.choice(({"floor": rng.choice(FLOORS)}, {"limit": "60 °C"}, {"floor": ["f1", "2"]}))
    return rng.choice(([], [{"only": {"label": wanted}}], [{"drop": {"label": wanted}}]))


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

    def write(self, written: Rules, before: Rules, at: float) -> None:
        """Let people write rules, or take them back."""
        for name in sorted(written.keys() | before.keys()):
            data = {"id": name, **written.get(name, {"deleted": True})}
            if written.get(name) != before.get(name):
                event = Occurrence(id=f"{name}-{at}", time=at, subject=name, type="rule", data=data)
                self.give("rules", event, at)

    def give(self, source: str, event: Event, at: float) -> None:
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

    def watched(self) -> set[tuple[str, str]]:
        """The alarms and subjects whose last reading is known, and in no deadband."""
        return {
            (_name(node.name, rule_id), subject)
            for node in self.plan.nodes
            if node.is_alarm
            for rule_id, slots in self.playback.logic(node.steps[0].identity).engine.slots.items()  # type: ignore[attr-defined]
            for subject, slot in slots.items()
            if slot.about is not None
            and not (slot.state and (slot.state.gone or slot.state.bad or was_ended(slot.state)))
            and slot.value in (*DECISIVE, 1.0)
        }


def was_ended(s: State) -> bool:
    """Whether an alarm whose reading came no longer was expected anew by a rule that was written."""
    return s.last_value is None and s.last_good is not None


def reading(n: int, at: float, subject: str, metric: str, value: float | None) -> Reading:
    return Reading(
        id=f"e{n}", time=at, subject=subject, metric=metric, value=value,
        unit="°C" if metric == "temperature" else None, quality="bad" if value is None else "good",
    )  # fmt: skip


def history(rng: random.Random, since: float) -> Iterator[tuple[float, Reading]]:
    """Readings of all signals, then a last decisive one of most."""
    at = since
    for n in range(rng.randrange(25)):
        at += rng.choice((0.0, 1.0, 20.0, 60.0, 700.0))
        metric = rng.choice(("temperature", "temperature", "temperature", "power", "key"))
        value = (
            rng.choice((*DECISIVE, 25.0, 29.0, 11.0))
            if metric == "temperature"
            else rng.choice((0.0, 1.0))
        )
        yield (
            at,
            reading(n, at, rng.choice(SUBJECTS), metric, value if rng.random() < 0.95 else None),
        )
    for n, subject in enumerate(SUBJECTS, 100):
        at += 1.0
        if rng.random() < 0.9:
            yield at, reading(n, at, subject, "temperature", rng.choice(DECISIVE))
        if rng.random() < 0.9:
            yield at, reading(n, at, subject, "power", rng.choice((0.0, 1.0)))


def command(rng: random.Random, n: int, at: float, alarms: list[str]) -> Occurrence:
    do = rng.choice(("ack", "shelve", "suppress", "unsuppress", "comment"))
    data = {
        "do": do,
        "alarm": rng.choice(alarms),
        "user": "ana",
        "duration": "20min",
        "comment": "x",
    }
    return Occurrence(
        id=f"c{n}-{at}", time=at, subject=rng.choice(SUBJECTS), type=COMMAND, data=data
    )


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
    at, spoke = START + 60.0, set[str]()
    always.write(written[-1], {}, START)
    for number, version in enumerate(versions):
        if number:
            edited.edit(version)
        edited.write(written[number], written[number - 1] if number else {}, at)
        watched = edited.watched() if number == len(versions) - 1 else set()
        if number == len(versions) - 1:
            _compare(f"seed {seed}, at the edit", edited, always, version, watched)
        at = _play(rng, at, edited, always, list(version["alarms"]), spoke)
    warm = [name for name, one in versions[-1]["alarms"].items() if one["from"] in WARM]
    known = {(name, subject) for name in warm for subject in spoke} & always.watched()
    _compare(f"seed {seed}, later", edited, always, versions[-1], known | edited.watched())
    if said is not None:
        said.update(edited.said)


def _play(
    rng: random.Random, at: float, edited: Site, always: Site, alarms: list[str], spoke: set[str]
) -> float:
    spoke.clear()
    for n, (when, event) in enumerate(history(rng, at)):
        at = when
        if event.metric == "temperature":
            (spoke.add if event.value in DECISIVE else spoke.discard)(event.subject)
        for site in (edited, always):
            site.give("s", event, at)
        if alarms and rng.random() < 0.15:
            edited.give(COMMANDS, command(rng, n, at, alarms), at)
        if rng.random() < 0.1:
            edited.playback.restart()
    at += CALM
    for site in (edited, always):
        site.playback.advance(at)
    return at


def _compare(
    when: str, edited: Site, always: Site, version: Definition, known: set[tuple[str, str]]
) -> None:
    """`known` are the alarms whose last reading the edited flow has seen."""
    at = edited.playback.now + 1.0
    for site in (edited, always):
        for subject in SUBJECTS:
            site.give("s", reading(int(at), at, subject, "key", float(subject == "f1")), at)
    ours, theirs = edited.shown(), always.shown()
    seen = edited.watched()  # what hides an alarm must be known, too
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
