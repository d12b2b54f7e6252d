"""The alarm engine against its vectors, and against a second implementation on random histories."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.alarm_vectors import __main__ as command
from tests.alarm_vectors import reference
from tests.alarm_vectors.driver import Run, check_vector, restarted_everywhere
from tests.alarm_vectors.generate import history, rule

FILE = Path(__file__).parents[1] / "data" / "alarm_vectors.yaml"
VECTORS = command.load(FILE)
HISTORIES = 400
NOT_IN_REFERENCE = ("limit", "unit", "labels")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_gives_exactly_its_transitions(vector: dict[str, Any]) -> None:
    assert check_vector(vector) == []


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_vector_gives_the_same_with_a_restart_after_every_step(vector: dict[str, Any]) -> None:
    assert check_vector(restarted_everywhere(vector)) == []


def test_the_command_counts_passed_and_failed_vectors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(FILE)]) == 0
    assert f"{len(VECTORS)} passed, 0 failed" in capsys.readouterr().out
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        "vectors: [{name: wrong, rule: {when: {above: 30}}, steps: [{at: 0, reading: 31}], expect: []}]",
        encoding="utf-8",
    )
    assert command.main([str(wrong)]) == 1
    assert "0 passed, 1 failed" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(0, HISTORIES, 20))
def test_random_histories_give_the_transitions_of_the_reference(seed: int) -> None:
    for one in range(seed, seed + 20):
        compare(one)


def compare(seed: int) -> None:
    """Feed one history to both; ours is restarted now and then, and in half of the cases keeps no quiet states."""
    rng = random.Random(seed)
    rules: list[dict[str, Any]] = []
    for n in range(rng.randint(1, 3)):
        rules.append(rule(rng, f"r{n + 1}", [r["id"] for r in rules]))
    steps = history(rng, rules, 60)
    theirs, ours = reference.Engine([reference.Rule(r) for r in rules]), Run(rules)
    slim = rng.random() < 0.5 and not any("suppress_when" in r for r in rules)
    for step in steps:
        ours.engine.states_kept = 0 if slim else 1000
        try:
            reference.feed(theirs, step)
        except (TypeError, AttributeError):
            return  # the reference cannot compare these values
        ours.feed(step)
        assert seen(ours.log, slim) == seen(theirs.log, slim), (seed, step)
        if not slim:
            assert seen(ours.sent, False) == seen(theirs.notifier.sent, False), (seed, step)
        for said in (theirs.log, ours.log, theirs.notifier.sent, ours.sent):
            said.clear()
        if rng.random() < 0.1:
            ours.load(ours.save())
    if not slim:
        assert ours.counters() == reference_counters(theirs), seed


def seen(log: list[dict[str, Any]], any_order: bool) -> list[str]:
    """Comparable lines; subjects whose timers fire at the same instant may come in any order in a slim engine."""
    lines = [
        {
            key: value
            for key, value in words.items()
            if key not in NOT_IN_REFERENCE and (key not in ("user", "comment", "until") or value is not None)
        }
        for words in log
    ]
    if any_order:
        lines.sort(key=lambda words: (str(words.get("rule")), str(words.get("subject")), words.get("seq", 0)))
    return [json.dumps(words, sort_keys=True, default=str) for words in lines]


def reference_counters(engine: Any) -> dict[str, int]:
    out: dict[str, int] = {}
    for alarm in engine.alarms.values():
        for word, n in alarm.s["counters"].items():
            out[word] = out.get(word, 0) + n
    return out
