"""Follows every occurrence of random flows to the people who are told of it.

`python -m tests.flows.dataflow.told 10000 [FIRST_SEED]` plays that many. Flows are edited and
restarted, alarms masked and acknowledged; people hear by a sink and by `notify`.
"""

import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from flows.dataflow.compiler import compile_flow
from flows.dataflow.plan import COMMANDS, Outputs, Plan
from flows.dataflow.playback import Playback
from flows.language.model import Flow
from operators.component import INSTANT
from operators.events import AlarmTransition, Occurrence, Reading
from operators.model.changes import is_masked
from tests.flows.dataflow.random_flows.definitions import (
    FLOORS_OF_READINGS,
    START,
    SUBJECTS,
    Definition,
    command,
    definition,
    history,
    row,
)
from tests.flows.dataflow.random_flows.told_sinks import ROOMS, Key, People, must, sinks
from tests.flows.dataflow.seeds import play

PAGE = "http://page"
REPEAT = 1800.0
HELD_BACK = {"0s": 0.0, "2min": 120.0, "20min": 1200.0}
ANY_GROUP = ""
"""An edit of `by` gives groups other names, so that the old one of what was told is not known."""
MAYBE = "?"
"""A group that told an end, or that the start after it was told in."""


def flow_of(rng: random.Random, before: Definition | None = None) -> Definition:
    """A definition whose alarms reach people; never without any alarm."""
    while not (one := definition(rng, before))["alarms"]:
        pass
    options: Definition = {}
    if rng.random() < 0.4:
        options["flood"] = {"alarms": 3, "in": "10min"}
    if rng.random() < 0.3:
        options["unacknowledged"] = rng.choice(list(HELD_BACK)[1:])
    by = rng.choice((["priority"], ["page"], ["priority", "page"], ["label.room"], []))
    notify = {"wait": rng.choice(("0s", "10s", "5min")), "interval": "1min", "repeat": "30min"}
    calls = {"notify": {**notify, **options, **({"by": by} if by else {})}}
    some = rng.sample(sorted(one["alarms"]), rng.randrange(1, len(one["alarms"]) + 1))
    read = rng.choice(("alarms", "alarms", some))
    steps = by_subject(rng) or [{"label": {"x": "y"}}]
    one["streams"]["some"] = {"from": read, "steps": steps}
    one["streams"]["calls"] = rng.choice((
        {"from": "alarms", "steps": [calls]},
        {"from": read, "steps": [*by_subject(rng), calls]},
        {"from": "some", "steps": [calls]},
    ))  # fmt: skip
    one["sinks"] = {
        "log": {"from": "alarms", "topic": "t"},
        "phone": {"from": "alarms", "webhook": {"connection": "pager", "path": "/p"}},
        "calls_out": {"from": "calls", "webhook": {"connection": "pager", "path": "/c"}},
        **sinks(rng, one, before),
    }
    return one


def labelled(
    rng: random.Random, given: Iterator[tuple[float, Reading]]
) -> Iterator[tuple[float, Reading]]:
    """Readings with a label that changes, and at times of all subjects at once."""
    room, change = rng.choice(ROOMS), rng.random() * 0.3
    for when, event in given:
        room = rng.choice(ROOMS) if rng.random() < change else room
        together = SUBJECTS if rng.random() < 0.05 else ()
        for subject in (event.subject, *(one for one in together if one != event.subject)):
            id, labels = f"{event.id}-{when}-{subject}", {**event.labels, "room": room}
            yield when, replace(event, id=id, subject=subject, labels=labels)


def by_subject(rng: random.Random) -> list[Definition]:
    """Steps that let some subjects pass to `notify`, or none."""
    some = {"subject": rng.sample(SUBJECTS, rng.choice((1, 2)))}
    return rng.choice(([], [], [{"only": some}], [{"drop": some}]))


def plan_of(one: Definition) -> Plan:
    flow = Flow.model_validate(one)
    return compile_flow(flow, one["tables"], ZoneInfo("Europe/Paris"), page_url=PAGE).plan


def reader(one: Definition) -> Callable[[AlarmTransition], bool]:
    """Whether `notify` hears of an alarm."""
    stream = one["streams"]["calls"]
    steps, read = list(stream["steps"][:-1]), stream["from"]
    if read == "some":
        steps, read = one["streams"]["some"]["steps"], one["streams"]["some"]["from"]
    names = {one["alarms"][name].get("was", name) for name in read} if read != "alarms" else None

    def reads(event: AlarmTransition) -> bool:
        if names is not None and not {event.alarm, *event.rule.split("/")} & {*names, *read}:
            return False
        return all(
            (event.subject in step[kind]["subject"]) == (kind == "only")
            for step in steps
            for kind in ("only", "drop")
            if kind in step
        )

    return reads


def group_of(one: Definition, event: AlarmTransition) -> str:
    """What `notify` calls the group of an alarm."""
    by = one["streams"]["calls"]["steps"][-1]["notify"].get("by", ())
    values = (
        event.labels.get("room") if name == "label.room" else getattr(event, name) for name in by
    )
    return "/".join(value or "-" for value in values) or "alarms"


class Followed:
    """What is so of each alarm, by what is recorded, and what people know of it."""

    def __init__(self, version: Definition) -> None:
        self.version, self.reads = version, reader(version)
        self.people = People(version)
        self.due: set[Key] = set()
        self.left: set[Key] = set()
        self.changes: dict[Key, list[AlarmTransition]] = {}
        self.heard: set[Key] = set()
        self.called: dict[Key, str] = {}
        self.owed: dict[Key, list[str]] = {}
        self.unanswered: dict[Key, float] = {}
        self.called_soon: set[Key] = set()  # of what was due before an edit
        self.said: Counter[str] = Counter()

    @property
    def held_back(self) -> float:
        """For how long nobody else is told of an alarm."""
        notify = self.version["streams"]["calls"]["steps"][-1]["notify"]
        return HELD_BACK[notify.get("unacknowledged", "0s")]

    def take(self, outputs: Outputs) -> None:
        """Take what one pass gave; raises `Untold`."""
        told = {event.id: event for event in outputs.get("phone", ())}
        self.said.update(self.people.take(outputs.get("log", ()), outputs))  # type: ignore[arg-type]
        calls = [(call.time, call) for call in outputs.get("calls_out", ())]
        changes = [(one.recorded, one) for one in outputs.get("log", ())]
        for _, event in sorted([*changes, *calls], key=itemgetter(0)):
            if isinstance(event, AlarmTransition):
                self.changes.setdefault((event.rule, event.subject), []).append(event)
                self._hear(event, told.pop(event.id, None))
            else:
                self._call(event)
        must(not told, "nothing is told that is not recorded", told)

    def edit(self, version: Definition) -> None:
        """What `notify` hears of no longer is told of no more."""
        self.version, self.reads = version, reader(version)
        self.people.edit(version)
        self.left |= {key for key, changes in self.changes.items() if not self.reads(changes[-1])}
        self.due -= self.left
        self.called_soon |= self.due - self.called.keys()
        self.called = dict.fromkeys(self.called, ANY_GROUP)
        self.unanswered = dict.fromkeys(self.unanswered, -math.inf)  # of another span
        self.owed = {
            key: [MAYBE if one == MAYBE else ANY_GROUP for one in groups]
            for key, groups in self.owed.items()
        }
        for key in self.left & self.called.keys():
            self._owe(key)

    def _hear(self, event: AlarmTransition, told: Any) -> None:
        key = (event.rule, event.subject)
        must((told is not None) == (event.annunciation is not None), "what is annunciated", event)
        self.said[str(event.annunciation)] += 1
        if event.annunciation == "start":
            self._follow(key, event)
        elif event.annunciation != "end" and key in self.called:
            self.called[key] = group_of(self.version, event)
        if event.annunciation in ("start", "again"):
            must(stands(event) and not is_masked(event), "nothing is told while masked", event)
            word = "again" if key in self.heard else "start"
            must(event.annunciation == word, f"it is told as {word}", event)
            must(told.change == ("raised" if word == "start" else event.change), "its word", told)
            self.heard.add(key)
            self.due |= {key} if self.reads(event) else set()
        elif event.annunciation == "end":
            must(key in self.heard and not stands(event), "an end is told of what is known", event)
            must(told.change == "cleared", "its word", told)
            self.heard.remove(key)
            if key in self.called:
                self._owe(key)
        if waits(event):
            must(key in self.heard, "what waits for people is told", event)
            if event.annunciation is not None:
                self.unanswered.setdefault(key, event.recorded)
        else:
            self.unanswered.pop(key, None)
        if not stands(event):
            must(key not in self.heard, "its end is told", event)

    def _call(self, call: Occurrence) -> None:
        self.said[f"call {call.data['what']}"] += 1
        raised, over = ([key_of(one) for one in call.data[name]] for name in ("raised", "over"))
        must(call.data["count"] == len(set(raised)) == len(raised), "each is listed once", call)
        for key in raised:
            event = self._at(key, call.time)
            must(stands(event) and not is_masked(event), "only what stands and is not hidden", call)
            if key not in self.called and MAYBE not in self.owed.get(key, ()):
                must(waits(event) or "unacked" not in event.flags, "it is not acknowledged", call)
                must(call.data["what"] != "repeat", "what is new is no repetition", call)
                since = self.unanswered.get(key, -math.inf)
                is_late = call.time >= since + self.held_back
                must(is_late or key in self.called_soon, "others are told after a span", call)
        for key in over:
            must(self.owed.get(key), "an end is told once, of what was told and is over", call)
        if call.data["what"] == "repeat":
            must(
                any(waits(self._at(key, call.time)) for key in raised), "somebody must answer", call
            )
        for key in over:
            owed = self.owed[key]
            sure = [one for one in owed if one != MAYBE]
            likely = [one for one in (call.subject, ANY_GROUP, *sure, MAYBE) if one in owed]
            owed.remove(likely[0])
        for key in raised:  # in that group the end before was not told apart
            owed = [one for one in self.owed.get(key, ()) if one != call.subject]
            self.owed[key] = [MAYBE if one == ANY_GROUP else one for one in owed]
            self.called[key] = call.subject
            self.called_soon.discard(key)

    def _follow(self, key: Key, event: AlarmTransition) -> None:
        """In a group that has not told the end before, it stands as it did."""
        group, owed = group_of(self.version, event), self.owed.get(key, [])
        if group in owed and key not in self.called:
            owed.remove(group)
            self.called[key] = group
        self.owed[key] = [MAYBE if one == ANY_GROUP else one for one in owed]

    def _owe(self, key: Key) -> None:
        """An end must be told in the group in which its start was."""
        self.owed.setdefault(key, []).append(self.called.pop(key))

    def _at(self, key: Key, time: float) -> AlarmTransition:
        """What was so of an alarm at an instant."""
        return [one for one in self.changes[key] if one.recorded <= time + INSTANT][-1]

    def at_rest(self, now: float) -> None:
        """People know what has been waiting for them for long, and no more."""
        for key, changes in self.changes.items():
            event = changes[-1]
            if event.recorded > now - 2 * REPEAT:
                continue
            if waits(event) and key in self.due:
                must(key in self.called, "who waits for people is told in a group", event)
            if not stands(event) or not self.reads(event):
                owed = [one for one in self.owed.get(key, ()) if one != MAYBE]
                must(key not in self.called and not owed, "its end is told in a group", event)


def stands(event: AlarmTransition) -> bool:
    return "active" in event.flags


def waits(event: AlarmTransition) -> bool:
    """Whether it is for a person to act."""
    return stands(event) and not is_masked(event) and "unacked" in event.flags


def key_of(one: dict[str, Any]) -> Key:
    rule, _, subject = unquote(one["link"].rpartition("/")[2]).rpartition("|")
    return rule, subject


def check_seed(seed: int, said: Counter[str] | None = None) -> None:
    """Play one life of a flow; raises `Untold`."""
    rng = random.Random(seed)
    version = flow_of(rng)
    followed = Followed(version)
    playback = Playback(plan_of(version), START, followed.take)
    at, n = START + 60.0, 0
    for number in range(rng.choice((1, 2, 3))):
        if number:
            version = flow_of(rng, version)
            followed.edit(version)
            playback.restart(plan_of(version))
        for when, event in labelled(rng, history(rng, at, rng.choice(FLOORS_OF_READINGS))):
            at, n = when, n + 1
            playback.advance(at)
            playback.feed("s", [event], at)
            if rng.random() < 0.1:
                playback.feed("rows", [row(rng, at)], at)
            if rng.random() < 0.3:
                asked = command(rng, n, at, list(version["alarms"]))
                playback.feed(COMMANDS, [asked], at)
            if rng.random() < 0.1:
                playback.restart()
        at += rng.choice((5.0, 100.0, 4000.0))
        playback.advance(at)
    playback.advance(at + 4 * REPEAT)
    followed.at_rest(playback.now)
    if said is not None:
        said.update(followed.said)


if __name__ == "__main__":
    sys.exit(play(check_seed, *map(int, sys.argv[1:])))
