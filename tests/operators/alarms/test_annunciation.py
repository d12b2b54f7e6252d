"""Who is told: every occurrence followed from its start to its end."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.alarm_vectors.driver import Run
from tests.alarm_vectors.followed import Followed
from tests.alarm_vectors.generate import history, rule
from tests.seed_blocks import seed_blocks

LENGTH = 80


def follow(seed: int) -> Counter[str]:
    """One random history of rules, readings, commands, masks, edits and restarts."""
    rng = random.Random(seed)
    rules: list[dict[str, Any]] = []
    for n in range(rng.randint(1, 3)):
        rules.append(rule(rng, f"r{n + 1}", [r["id"] for r in rules]))
    steps, by_people = history(rng, rules, LENGTH), rng.random() < 0.8
    for record in (*rules, *(step[kind] for step in steps for kind in step if kind in CHANGING)):
        record["ack_required"] = by_people
        record.pop("group_by", None)
    run, followed = Run(rules), Followed()
    for step in steps:
        run.feed(step)
        for words in run.log:
            if "annunciation" in words:
                followed.take(words)
        run.log.clear()
        if rng.random() < 0.1:
            run.load(run.save())
    return followed.said


CHANGING = ("rule", "edit")
"""Steps that change a rule; whether people must acknowledge stays as it is within a history."""


@pytest.mark.parametrize("seed", seed_blocks(400, 100))
def test_people_are_told_of_the_start_and_the_end_once_and_of_nothing_that_is_masked(
    seed: int,
) -> None:
    said = sum((follow(one) for one in range(seed, seed + 100)), Counter())
    assert min(said[word] for word in ("start", "again", "end", "None")) > 20
