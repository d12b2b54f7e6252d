"""An alarm in a flow does what the reference does, whatever the batches and restarts; most
readings take the fast path.
"""

import random

import pytest

from operators.alarms.logic import make_logic
from operators.component import Now
from operators.events import AlarmTransition, Event
from tests.alarm_vectors.flow import CONTEXT, batches, compare_flow, readings, settings


@pytest.mark.parametrize("seed", range(0, 200, 20))
def test_batches_and_restarts_give_the_transitions_of_the_reference(seed: int) -> None:
    for one in range(seed, seed + 20):
        compare_flow(one)


@pytest.mark.parametrize("seed", range(60))
def test_the_result_does_not_depend_on_how_events_are_batched(seed: int) -> None:
    rng = random.Random(seed)
    alarm = settings(rng)
    events = readings(rng, 200)
    results = []
    for cut in range(3):
        logic = make_logic(alarm, CONTEXT)
        emitted: list[Event] = []
        for batch in batches(random.Random(1000 * seed + cut), events):
            emitted += logic.on_batch(batch, Now(batch[-1].time - 60, 10_000.0))
        emitted += logic.on_time(Now(5_000.0, 10_000.0))
        kept = [
            (e.subject, e.seq, e.id, e.time, e.event, e.value)
            for e in emitted
            if isinstance(e, AlarmTransition)
        ]
        results.append(sorted(kept))
    assert results[0] == results[1] == results[2]
