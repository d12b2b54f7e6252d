"""Replay in large passes gives what one instant at a time gives."""

import random
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from flows.checks.context import Scope
from flows.loader import load
from flows.replay.merge import in_order, side_by_side
from flows.replay.pace import pace_of
from flows.replay.player import ONE_INSTANT, Pace, Piece
from flows.replay.replay import Definition, Run
from flows.replay.sources import Inputs, Place, needed
from operators.columnar.arrow_batch import decode_columns, encode
from operators.columnar.reading_columns import joined
from operators.events import AlarmTransition, Reading

pytestmark = pytest.mark.slow

START = 1_792_900_000.0
DEFINITIONS = Path(__file__).parents[3] / "flows" / "definitions"
TWO_SOURCES = """\
vigie: 1
flow: two
sources:
  fast: {topic: fast}
  slow: {topic: slow}
streams:
  heat: {from: fast, steps: [{only: {metric: temperature}}, {debounce: {clear_after: 40s}}]}
  agreed: {from: {warm: fast, open: slow}, steps: [correlate: {same: subject, within: 1min, need: 2}]}
  mean: {from: fast, steps: [window: {every: 1min, calculate: [mean]}]}
alarms:
  hot: {from: fast, only: {metric: temperature}, when: {above: 30, clear: 28, for: 90s}, repeat: 7min, response: x}
  warm: {from: mean, when: {above: 29}, response: x}
  door: {from: slow, when: {is: on, for: 20s}, suppressed_by: [hot], response: x}
  both: {from: agreed, when: {seen: 2min}, response: x}
  gone: {from: [fast, slow], when: {silent: 4min}, response: x}
  night: {from: fast, when: {above: 27}, armed: {hours: 20:00-07:00}, response: x}
  keyed: {from: fast, when: {above: 26}, armed: {while: slow}, response: x}
"""


NOT_NEEDED = """\
vigie: 1
flow: f
sources: {probes: {topic: probes}}
streams:
  told: {from: alarms, steps: [notify: {wait: 1s}]}
  mean: {from: probes, steps: [window: {every: 1s, calculate: [mean]}]}
alarms: {hot: {from: probes, when: {above: 30, for: 1min}, shelve: 1h, response: x}}
"""


def test_a_step_that_no_alarm_needs_does_not_shorten_the_passes(tmp_path):
    (tmp_path / "f.yaml").write_text(NOT_NEEDED)
    _, flow = loaded(tmp_path / "f.yaml")
    assert pace_of(flow, needed(flow)) == Pace(60.0)
    assert pace_of(flow, [*needed(flow), "mean"]).grids == (1.0,)


def loaded(path):
    document, flow = load(path)
    assert flow is not None, document.report()
    return document, flow


def transitions(definition, pieces, end, pace, rows=None, zone="Europe/Paris"):
    """Everything that a run gives for what each place brings."""
    run = Run(definition, ZoneInfo(zone), rows or {}, pace)
    seen = []
    collect = run._collect
    run._collect = lambda outputs: (
        seen.extend(e for es in outputs.values() for e in es),
        collect(outputs),
    )
    run.begin(START, START)
    places = list(pieces)
    for some in side_by_side([iter(pieces[place]) for place in places]):
        run.take({place: piece for place, piece in zip(places, some, strict=True) if piece.events})
    run.finish(end)
    seen = [e for e in seen if isinstance(e, AlarmTransition)]
    return [
        msgspec.to_builtins(e) for e in sorted(seen, key=lambda e: (e.rule, e.subject, e.seq))
    ], run


def history(seed, subjects, metric, values, gap, count, jitter=0.0):
    """Readings at irregular times, some silence, some a little late."""
    rng = random.Random(seed)
    at, events = START, []
    for n in range(count):
        at += rng.expovariate(1 / gap) if rng.random() > 0.01 else rng.uniform(60, 400)
        value = values(rng, n)
        time = at - rng.uniform(0, jitter) if rng.random() < 0.1 else at
        events.append(
            Reading(
                id=f"{metric}{n}",
                time=round(time, 3),
                subject=rng.choice(subjects),
                metric=metric,
                value=value,
            )
        )
    return events


def as_columns(piece):
    """What came as columns, if it is of one kind."""
    return Piece(joined(decode_columns(encode(piece.events))), piece.times)


def cut(events, rng):
    """The same log in pieces of any size."""
    newest, pieces = float("-inf"), []
    while events:
        size = rng.choice([1, 7, 100, 5000])
        piece = in_order(events[:size], newest)
        newest, events = piece.times[-1], events[size:]
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize("seed", [*range(6), 18])
def test_large_passes_give_the_transitions_of_one_instant_at_a_time(tmp_path, seed):
    path = tmp_path / "two.yaml"
    path.write_text(TWO_SOURCES)
    document, flow = loaded(path)
    fast, slow = Place("topic", ("fast",)), Place("topic", ("slow",))
    definition = Definition(
        "two", flow, Scope(document, flow).tables, Inputs({"fast": fast, "slow": slow}, {}, {}), {}
    )
    rng = random.Random(seed)
    level = [27.0]

    def wave(r, n):
        level[0] += r.uniform(-1.0, 1.0) + (28 - level[0]) * 0.02
        return round(level[0], 2)

    given = {
        fast: history(seed, "abc", "temperature", wave, 4.0, 1500, jitter=8.0),
        slow: history(seed + 1, "ab", "door", lambda r, n: float(r.random() < 0.5), 45.0, 120),
    }
    end = max(event.time for events in given.values() for event in events) + 900
    # events are changed by nobody, but each run gets its own
    slowly, _ = transitions(
        definition, {p: cut(list(e), rng) for p, e in given.items()}, end, ONE_INSTANT
    )
    at_once, run = transitions(
        definition, {p: cut(list(e), rng) for p, e in given.items()}, end, None
    )
    assert len({one["alarm"] for one in slowly}) >= 6
    assert at_once == slowly
    columns, _ = transitions(
        definition, {p: map(as_columns, cut(list(e), rng)) for p, e in given.items()}, end, None
    )
    assert columns == slowly
    assert run.kpis.figures(START, end).annunciated > 20
