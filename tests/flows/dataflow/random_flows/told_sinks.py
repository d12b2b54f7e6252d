"""Random sinks for people that choose among alarms, and what each of them must be told."""

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from flows.dataflow.plan import Outputs
from operators.events import AlarmTransition
from operators.model.changes import is_masked
from tests.flows.dataflow.random_flows.definitions import SUBJECTS, Definition

ROOMS = ("hall", "attic")
LEVELS = ("low", "medium", "high", "critical")
SLOTS = ("first", "second", "third")
"""A sink of one of these keeps its name or its settings in an edit, and so what it knows."""
CHANGES = (
    "annunciated", "raised", "over", "cleared", ["raised", "cleared"], ["raised", "over", "acked"],
    ["raised", "escalated", "returned"], ["realarmed", "over"], "acked",
)  # fmt: skip
Key = tuple[str, str]
"""Rule and subject of an alarm."""


class Untold(AssertionError):
    """People were told too much or too little."""


def must(holds: bool, rule: str, shown: Any) -> None:
    if not holds:
        raise Untold(f"{rule}: {shown}")


def sinks(rng: random.Random, one: Definition, before: Definition | None) -> dict[str, Any]:
    """Sinks with random selections, some of which a definition before had; adds their streams."""
    found: dict[str, Any] = {}
    names = sorted(one["alarms"])
    for slot in SLOTS:
        if rng.random() < 0.3:
            continue
        name = next((name for name in (before or {"sinks": ()})["sinks"] if slot in name), slot)
        known = before["sinks"].get(name) if before else None
        path = known["webhook"]["path"] if known else f"/{slot}/a"
        if rng.random() < 0.2:
            name = f"{slot}_{rng.choice('ab')}"  # its settings say that it is the same
        else:
            path = f"/{slot}/{rng.choice('ab')}"
        stream = f"to_{slot}"
        one["streams"][stream] = {"from": reads(rng, names), "steps": narrowed(rng)}
        from_ = rng.choice((reads(rng, names), stream))
        found[name] = {"from": from_, "webhook": {"connection": "pager", "path": path}}
        if only := selection(rng, names):
            found[name]["only"] = only
    return found


def reads(rng: random.Random, names: Sequence[str]) -> Any:
    some = rng.sample(names, rng.randrange(1, len(names) + 1))
    return rng.choice(("alarms", "alarms", some))


def selection(rng: random.Random, names: Sequence[str]) -> Definition:
    """What a sink chooses; empty for what people are told by default."""
    options: Definition = {
        "priority": rng.choice(("critical", "medium", ["low", "medium"], ["high", "critical"])),
        "subject": rng.sample(SUBJECTS, 2), "alarm": rng.sample(names, 1), "change": rng.choice(CHANGES),
        "label": {"room": rng.choice(ROOMS)}, "value": {"above": "50 °C"},
        "metric": rng.choice(("temperature", "power")),
    }  # fmt: skip
    return {name: one for name, one in options.items() if rng.random() < 0.2}


def narrowed(rng: random.Random) -> list[Definition]:
    """Steps between alarms and a sink."""
    room, level = {"label": {"room": rng.choice(ROOMS)}}, {"priority": rng.sample(LEVELS, 2)}
    urgent: list[Definition] = [
        {"label": {"urgency": "{priority}"}},
        {"only": {"label": {"urgency": rng.sample(LEVELS, 2)}}},
    ]
    return rng.choice((
        [{"only": room}], [{"drop": room}], [{"only": level}], [{"drop": level}], urgent,
        [{"drop": {**room, **level}}], [{"label": {"room": "{subject}"}}, {"drop": {"label": {"room": "f1"}}}],
    ))  # fmt: skip


class View(NamedTuple):
    """All by which an alarm is chosen, as it is at a change."""

    subject: str
    alarm: str
    priority: str
    metric: str | None
    value: Any
    unit: str | None
    labels: dict[str, str]


def view(event: AlarmTransition) -> View:
    return View(*(getattr(event, name) for name in View._fields))


class Chosen:
    """What one sink of a definition chooses."""

    def __init__(self, version: Definition, name: str) -> None:
        self.settings = version["sinks"][name]
        self._only: Definition = self.settings.get("only", {})
        self._alarms, self._steps = _way(version, self.settings["from"])
        change = self._only.get("change", "annunciated")
        self._changes = {change} if isinstance(change, str) else set(change)

    def reads(self, event: AlarmTransition) -> bool:
        """Whether changes of the alarm come to it."""
        return self._alarms is None or event.alarm in self._alarms

    def admits(self, seen: View) -> bool:
        """Whether it chooses the alarm, whatever happens to it."""
        for step in self._steps:
            [(kind, settings)] = step.items()
            if kind == "label":
                made = {key: one.format(**seen._asdict()) for key, one in settings.items()}
                seen = seen._replace(labels={**seen.labels, **made})
            elif _matches(settings, seen) != (kind == "only"):
                return False
        return _matches(self._only, seen)

    def asks_for(self, words: Iterable[str]) -> bool:
        """Whether it chooses one of the words."""
        return not self._changes.isdisjoint(words)

    @property
    def asks_for_starts(self) -> bool:
        return self.asks_for(("raised", "annunciated"))

    @property
    def asks_for_ends(self) -> bool:
        return self.asks_for(("over", "cleared", "returned", "annunciated"))


def _way(version: Definition, read: Any) -> tuple[set[str] | None, list[Definition]]:
    """The alarms that are read, None for all of them, and the steps on the way."""
    if isinstance(read, str) and read in version["streams"]:
        stream = version["streams"][read]
        alarms, steps = _way(version, stream["from"])
        return alarms, [*steps, *stream["steps"]]
    return (None if read == "alarms" else {read} if isinstance(read, str) else set(read)), []


def _matches(only: Definition, seen: View) -> bool:
    for name, wanted in only.items():
        if name == "change":
            continue
        if name == "label":
            [(label, some)] = wanted.items()
            if seen.labels.get(label) not in (some if isinstance(some, list) else [some]):
                return False
        elif name == "value":
            limit = {"°C": 50.0, "°F": 122.0}.get(seen.unit or "", math.inf)
            if not isinstance(seen.value, float) or seen.value <= limit:
                return False
        elif getattr(seen, name) not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    return True


def words(event: AlarmTransition) -> set[str]:
    """The words for a change where people are told."""
    found: set[str] = {"annunciated"} if event.annunciation else set()
    if event.annunciation == "start":
        found.add("raised")
    if event.annunciation == "end":
        found |= {"cleared", "over"} | ({"returned"} if event.change == "returned" else set())
    hidden = is_masked(event) and event.change in ("escalated", "deescalated", "realarmed")
    if event.change not in ("raised", "returned", "cleared") and not hidden:
        found.add(event.change)
    return found


class People:
    """What the sinks for people with a selection are told, beside what they must be told."""

    def __init__(self, version: Definition) -> None:
        self._views: dict[Key, list[View]] = {}
        self._heard: dict[str, dict[Key, bool]] = {}
        self._choose(version)

    def edit(self, version: Definition) -> None:
        """A sink that is there under its name, or under another with its settings, knows what it knew."""
        before, heard = self._chosen, self._heard
        self._choose(version)
        self._heard = {}
        left = {
            str(chosen.settings["webhook"]): heard[name]
            for name, chosen in before.items()
            if name not in self._chosen
        }
        for name, chosen in self._chosen.items():
            like = str(chosen.settings["webhook"])
            self._heard[name] = heard[name] if name in heard else left.pop(like, {})

    def _choose(self, version: Definition) -> None:
        names = [name for name in version["sinks"] if name.startswith(SLOTS)]
        self._chosen = {name: Chosen(version, name) for name in names}
        self._heard = {name: {} for name in names}

    def take(self, changes: Sequence[AlarmTransition], outputs: Outputs) -> Iterator[str]:
        """Take what one pass gave; raises `Untold`, gives words to be counted."""
        given = {name: {one.id: one for one in outputs.get(name, ())} for name in self._chosen}
        for event in changes:
            key = (event.rule, event.subject)
            views = self._views.setdefault(key, [])
            if event.annunciation in ("start", "again"):
                views.append(view(event))
            for name, chosen in self._chosen.items():
                told: Any = given[name].pop(event.id, None)
                wanted = self._wanted(event, views, chosen, self._heard[name])
                if wanted is not None:
                    must((told is not None) == wanted, f"{name} is told: {wanted}", event)
                if told is not None:
                    yield f"{told.annunciation} chosen"
            if event.annunciation == "end":
                self._views[key] = []
        for name, more in given.items():
            must(not more, f"{name} is told nothing that is not recorded", more)

    def _wanted(
        self, event: AlarmTransition, views: list[View], chosen: Chosen, heard: dict[Key, bool]
    ) -> bool | None:
        """Whether it must be told; None where both are right."""
        key, asked = (event.rule, event.subject), chosen.asks_for(words(event))
        comes = chosen.reads(event)
        if event.annunciation in ("start", "again"):
            wanted = comes and asked and chosen.admits(view(event))
            if wanted:
                heard[key] = chosen.asks_for_ends
            return wanted
        told = [one._replace(alarm=event.alarm) for one in views]  # an edit may have renamed it
        ever = comes and asked and any(map(chosen.admits, told))
        now = comes and asked and chosen.admits(view(event))
        if event.annunciation is None:
            return ever or now
        if key not in heard:
            return ever and not chosen.asks_for_starts
        if heard.pop(key) or ever:
            return True
        return None if now else False  # an edit asks for ends of what was told without them
