"""Random histories through the engine and through the reference, which must say the same."""

import json
import random
from collections import Counter
from typing import Any

from tests.alarm_vectors import reference
from tests.alarm_vectors.driver import Run
from tests.alarm_vectors.generate import Step, history, rule

NOT_IN_REFERENCE = ("limit", "unit", "labels", "annunciation")
LENGTH = 60


class Difference(AssertionError):
    """The two implementations did not say the same."""


def compare(seed: int, said: Counter[str] | None = None) -> bool:
    """Feed the history of a seed to both. False where the reference itself cannot take it; raises
    `Difference`.

    Ours is restarted now and then, sometimes from an older snapshot with the inputs since then
    given again; in half of the cases it keeps no states of quiet alarms. `said` counts the events
    of both.
    """
    rng = random.Random(seed)
    rules: list[dict[str, Any]] = []
    for n in range(rng.randint(1, 3)):
        rules.append(rule(rng, f"r{n + 1}", [r["id"] for r in rules]))
    slim = rng.random() < 0.5 and not any("suppress_when" in r for r in rules)
    steps = history(rng, rules, LENGTH, masks=not slim)
    theirs, ours = reference.Engine([reference.Rule(r) for r in rules]), Run(rules)
    saved, since, lately = ours.save(), list[Step](), list[str]()
    for step in steps:
        ours.engine.states_kept = 0 if slim else 1000
        try:
            reference.feed(theirs, step)
        except (TypeError, AttributeError):
            return False
        ours.feed(step)
        since.append(step)
        mine = seen(ours.log, slim)
        _same(mine, seen(theirs.log, slim), seed, step)
        if not slim:
            _same(seen(ours.sent), seen(theirs.notifier.sent), seed, step)
        if said is not None:
            said.update(words["event"] for words in ours.log)
            said.update(note["kind"] for note in ours.sent)
        lately += mine
        for log in (theirs.log, ours.log, theirs.notifier.sent, ours.sent):
            log.clear()
        pick = rng.random()
        if pick < 0.1:
            ours.load(ours.save())
        elif pick < 0.14:
            saved, since, lately = ours.save(), [], []
        elif pick < 0.17:
            _again(ours, saved, since, lately, slim, seed)
    if not slim:
        _same(
            [str(ours.counters())],
            [str(ours.counters() | reference_counters(theirs))],
            seed,
            "counters",
        )
    return True


def _again(
    ours: Run, saved: str, since: list[Step], lately: list[str], slim: bool, seed: int
) -> None:
    """Start from an older snapshot and take once more what came since: the same must come out."""
    ours.load(saved)
    ours.engine.states_kept = 0 if slim else 1000
    out: list[str] = []
    for step in since:
        ours.feed(step)
        out += seen(ours.log, slim)
        ours.log.clear()
        ours.sent.clear()
    _same(out, lately, seed, "delivered again")


def _same(ours: list[str], theirs: list[str], seed: int, where: Any) -> None:
    if ours != theirs:
        raise Difference(f"seed {seed}, {where}\n  ours   {ours}\n  theirs {theirs}")


def seen(log: list[dict[str, Any]], any_order: bool = False) -> list[str]:
    """Comparable lines; subjects whose timers fire at the same instant may come in any order in
    a slim engine.
    """
    lines = [
        {
            key: value
            for key, value in words.items()
            if key not in NOT_IN_REFERENCE
            and (key not in ("user", "comment", "until") or value is not None)
        }
        for words in log
    ]
    if any_order:
        lines.sort(
            key=lambda words: (
                str(words.get("rule")),
                str(words.get("subject")),
                words.get("seq", 0),
            )
        )
    return [json.dumps(words, sort_keys=True, default=str) for words in lines]


def reference_counters(engine: Any) -> dict[str, int]:
    """What the reference counted of the alarms that it still has."""
    out: dict[str, int] = {}
    for alarm in engine.alarms.values():
        for word, n in alarm.s["counters"].items():
            out[word] = out.get(word, 0) + n
    return out
