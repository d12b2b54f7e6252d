"""Graphs of random steps and alarms: where batches end, where a flow restarts and in which order
subjects arrive is all one.
"""

from functools import cache
from random import Random

import pytest

from flows.dataflow.plan import Plan
from operators.events import Reading
from tests.flows.dataflow.histories import T0, Arrival, plan_of, rows, shuffled
from tests.seed_blocks import seed_blocks

SEEDS, EACH, LONGEST = 4, 40, 30
STEPS = (
    "only: {metric: [temperature, humidity, motion]}",
    "only: {value: {above: -40, below: 85}}",
    "drop: {quality: bad}",
    "label: {floor: 2, name: '{subject} ({metric})'}",
    "convert: {temperature: K}",
    "scale: {plus: -0.4}",
    "rename: {b: c}",
    "translate: {field: value, values: {ajar: open, locked: closed}}",
    "deduplicate: 10s",
    "deduplicate: {by: id, within: 1min}",
    "threshold: {above: 30, clear: 28}",
    "threshold: {above: 30, clear: 28, for: 20s}",
    "threshold: {outside: [10, 30], clear_for: 15s}",
    "threshold: {above: 25, times: 3, in: 1min}",
    "threshold: {silent: 67s}",
    "debounce: 10s",
    "debounce: {clear_after: 20s}",
    "window: {every: 30s, calculate: [mean, max, count]}",
    "window: {every: 20s, length: 1min, calculate: [p95, delta]}",
    "silence: 33s",
    "severity: {above: {medium: 26, high: 30}}",
    "rate: 30s",
    "counter: {}",
    "stale: {after: 40s, unchanged: 1min}",
)
ALARMS = (
    "{from: made, when: {above: 30, clear: 28, for: 20s}, response: x}",
    (
        "{from: made, when: {above: 26}, levels: [{priority: high, above: 28}, {priority: critical,"
        " above: 32, clear: 30}], escalate_after: 5s, deescalate_after: 20s, response: x}"
    ),
    (
        "{from: made, when: {above: 28}, chatter: {times: 2, in: 1min, hold: 30s}, expect_every:"
        " 25s, bad: raise, response: x}"
    ),
    "{from: made, when: {above: 30}, latch: true, repeat: 1min, response: x}",
    "{from: given, when: {silent: 1min}, response: x, suppressed_by: [a0]}",
    (
        "{from: given, only: {metric: motion}, when: {is: on}, armed: {hours: 12:01-12:04},"
        " response: x}"
    ),
    (
        "{from: given, when: {outside: [10, 30], times: 2, in: 1min}, bad: raise, ack: automatic,"
        " response: x}"
    ),
)
SUBJECTS, METRICS = ("a", "b", "c"), ("temperature", "humidity", "motion")
LATENESS = 5.0


Flow = tuple[tuple[str, ...], tuple[str, ...]]


def differences(
    flow: Flow, one: list[Arrival], other: list[Arrival], cuts: list[int], restarts: list[int]
) -> list[str]:
    """Rows that only one of the two gives, the second with batches and restarts."""
    plan = _plan(*flow)
    assert plan is not None
    plain, cut = rows(plan, one), rows(plan, other, cuts, restarts)
    return [f"- {row}" for row in plain if row not in cut] + [
        f"+ {row}" for row in cut if row not in plain
    ]


@cache
def _plan(steps: tuple[str, ...], alarms: tuple[str, ...]) -> Plan | None:
    text = (
        "vigie: 1\nflow: random\nsources: {given: {topic: given}}\nstreams:\n  made:\n    from:"
        " given\n    steps:\n"
    )
    text += "".join(f"      - {step}\n        id: s{n}\n" for n, step in enumerate(steps))
    if alarms:
        text += "alarms:\n" + "".join(f"  a{n}: {alarm}\n" for n, alarm in enumerate(alarms))
    read = ["made", *(["alarms"] if alarms else [])]
    return plan_of(f"{text}sinks:\n  out: {{from: [{', '.join(read)}], topic: out}}\n")


def some_flow(dice: Random) -> Flow:
    """Random steps and alarms that go together."""
    while True:
        flow = (
            tuple(dice.choices(STEPS, k=dice.randint(1, 3))),
            tuple(dice.sample(ALARMS, dice.randint(0, 2))),
        )
        if _plan(*flow) is not None:
            return flow


def some_history(dice: Random, late: bool = True) -> list[Arrival]:
    """Readings a few seconds apart, some doubled, some late within the lateness, some no data."""
    made: list[Arrival] = []
    time = T0
    for n in range(dice.randint(1, LONGEST)):
        time += 0.001 + dice.choice((0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 61.0))
        behind = dice.choice((0.0, 0.0, 0.0, 1.0, 4.0)) if late else 0.0
        metric = dice.choice(METRICS)
        value = dice.choice(
            (0.0, 1.0) if metric == "motion" else (5.0, 20.0, 25.0, 27.0, 29.0, 31.0, 35.0, None)
        )
        reading = Reading(
            id=f"r{n}" if not made or dice.random() < 0.9 else made[-1][1].id,
            time=time - behind,
            subject=dice.choice(SUBJECTS),
            metric=metric,
            value=value,
            quality="bad" if value is None else "good",
        )
        made.append(("given", reading))
    return made


def places(dice: Random) -> list[int]:
    return [dice.randint(1, LONGEST) for _ in range(dice.randint(1, 8))]


@pytest.mark.parametrize("seed", seed_blocks(SEEDS, 1))
def test_where_a_batch_ends_makes_no_difference(seed: int) -> None:
    dice = Random(seed)
    for _ in range(EACH):
        flow, history = some_flow(dice), some_history(dice)
        assert differences(flow, history, history, places(dice), []) == [], flow


@pytest.mark.parametrize("seed", seed_blocks(SEEDS, 1))
def test_where_the_flow_restarts_makes_no_difference(seed: int) -> None:
    dice = Random(seed)
    for _ in range(EACH):
        flow, history = some_flow(dice), some_history(dice)
        assert differences(flow, history, history, [], places(dice)) == [], flow


@pytest.mark.parametrize("seed", seed_blocks(SEEDS, 1))
def test_in_which_order_subjects_arrive_makes_no_difference(seed: int) -> None:
    """But to what an alarm last saw when another hides it: both read the stream, and each keeps
    the order of arrival.
    """
    dice = Random(seed)
    for _ in range(EACH):
        steps, alarms = some_flow(dice)
        flow = steps, tuple(alarm for alarm in alarms if "suppressed_by" not in alarm)
        history = some_history(dice, late=False)
        delays = [dice.uniform(0, LATENESS - 0.01) for _ in range(7)]
        assert differences(flow, history, shuffled(history, delays), places(dice), []) == [], flow
