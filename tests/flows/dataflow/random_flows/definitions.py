"""Random definitions, each an edit of the one before, and what happens to their flows."""

import random
from collections.abc import Iterator
from typing import Any

from operators.alarms.command_handler import COMMAND
from operators.events import Occurrence, Reading

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
        "sources": {
            "s": {"topic": "s"},
            "rules": {"topic": {"name": "rules", "table": True}},
            "rows": {"topic": {"name": "rows", "table": True}},
        },
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
    found["cellar"] = {"from": "warmth", "steps": steps}
    if rng.random() < 0.2:
        enriched = found[rng.choice(("warmth", "cellar"))]["steps"]
        enriched += [{"enrich": {"from": "rows"}}, *label_selectors(rng)]
    return found


def enriched(one: Definition) -> set[str]:
    """The streams whose labels come from rows that change, which count from the next reading on."""
    found = {
        name
        for name, stream in one["streams"].items()
        if any("enrich" in step for step in stream["steps"])
    }
    return found | ({"cellar"} if "warmth" in found else set())


def row(rng: random.Random, at: float) -> Occurrence:
    """A row that somebody writes, changes or takes back."""
    subject = rng.choice(SUBJECTS)
    cells = rng.choice((
        {"floor": "1"}, {"floor": "2", "limit": "20 °C"}, {"floor": "f1", "limit": "60 °C"},
        {"limit": "none"}, {"deleted": True},
    ))  # fmt: skip
    data = {"id": subject, "subject": subject, **cells}
    return Occurrence(id=f"row-{subject}-{at}", time=at, subject=subject, type="row", data=data)


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


def reading(
    n: int, at: float, subject: str, metric: str, value: float | None, floor: str = ""
) -> Reading:
    return Reading(
        id=f"{at}/{n}", time=at, subject=subject, metric=metric, value=value,
        unit="°C" if metric == "temperature" else None, quality="bad" if value is None else "good",
        labels={"floor": floor} if floor else {},
    )  # fmt: skip


FLOORS_OF_READINGS = (("",), ("",), ("1", "2"), ("", "1", "f1"))
FLOORS = ("", "1", "2", "f1")


def history(
    rng: random.Random, since: float, floors: tuple[str, ...] = ("",)
) -> Iterator[tuple[float, Reading]]:
    """Readings of all signals, then a last decisive one of most; some have labels that change."""
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
            reading(
                n,
                at,
                rng.choice(SUBJECTS),
                metric,
                value if rng.random() < 0.95 else None,
                rng.choice(floors),
            ),
        )
    for n, subject in enumerate(SUBJECTS, 100):
        at += 1.0
        if rng.random() < 0.9:
            value = rng.choice(DECISIVE)
            yield at, reading(n, at, subject, "temperature", value, rng.choice(floors))
        if rng.random() < 0.9:
            value = rng.choice((0.0, 1.0))
            yield at, reading(n, at, subject, "power", value, rng.choice(floors))


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
