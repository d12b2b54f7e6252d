"""A flow whose source brings columns does what it does with the same readings as events."""

import random
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from connectors.base import Batch
from flows.checks.context import Scope
from flows.cli import main
from flows.dataflow.alignment import Alignment
from flows.dataflow.compiler import compile_flow
from flows.dataflow.input_order import Arrival, Arrivals
from flows.dataflow.plan import Outputs, Plan
from flows.dataflow.playback import Playback
from flows.dataflow.routing import Router
from flows.loader import load
from operators.columnar.arrow_batch import decode_columns, encode
from operators.columnar.lazy import LazyEvents
from operators.columnar.reading_columns import joined
from operators.events import Event, Reading

FLOW = """vigie: 1
flow: room
sources: {readings: {topic: site.readings}, others: {topic: site.others}}
streams:
  hot: {from: readings, steps: [threshold: {above: 30, clear: 28}]}
  long: {from: readings, steps: [threshold: {above: 30, for: 20s, clear_for: 10s}, label: {zone: a}]}
  away: {from: others, steps: [only: {subject: "room*"}, threshold: {above: 30}]}
  gone: {from: others, steps: [threshold: {silent: 1min}]}
alarms:
  too_hot: {from: readings, when: {above: 30, clear: 28}, response: Look.}
  too_cold: {from: readings, when: {below: 26, for: 10s}, armed: {while: hot}, response: Look.}
  chosen: {from: readings, only: {subject: room_1}, when: {above: 30}, response: Look.}
  away_hot: {from: others, when: {above: 30}, response: Look.}
sinks:
  out: {from: [hot, long, away, gone], topic: site.hot}
"""


ALL = FLOW.replace("only: {subject: room_1}, ", "")
STORE = """vigie: 1
flow: room
sources: {readings: {topic: site.readings}}
sinks:
  kept: {from: readings, clickhouse: readings}
"""
BESIDE = "  beside: {from: readings, only: {subject: a}, clickhouse: beside}\n"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return compiled(tmp_path, FLOW)


def compiled(folder: Path, definition: str) -> Plan:
    path = folder / "room.yaml"
    path.write_text(definition)
    document, flow = load(path)
    assert flow is not None, document.report()
    return compile_flow(flow, Scope(document, flow).tables, ZoneInfo("UTC")).plan


def history(seed: int) -> list[Event]:
    dice, at, found = random.Random(seed), 1e9, list[Event]()
    for n in range(300):
        at += dice.choice((0, 0, 1, 8))
        found.append(
            Reading(
                id=f"r{n}", time=at - dice.choice((0, 0, 0, 7, 20)) + (n == 150) * 1e6,
                subject=f"room_{dice.randrange(6)}", metric="t",
                value=dice.choice((25.0, 25.0, 29.0, 33.0, None)),
            )
        )  # fmt: skip
    return found


def as_columns(some: Sequence[Event]) -> Sequence[Event]:
    return joined(decode_columns(encode(list(some))))  # type: ignore[arg-type]


def outputs(plan: Plan, seed: int, columns: bool) -> list[Outputs]:
    got: list[Outputs] = []
    playback = Playback(plan, 1e9, got.append)
    dice, given, place = random.Random(seed), history(seed), 0
    while place < len(given):
        batch: Sequence[Event] = given[place : place + dice.choice((1, 9, 60))]
        place += len(batch)
        at = max(1e9, *(event.time for event in batch if event.time < 1.0005e9))
        playback.advance(at)
        if columns:
            batch = as_columns(batch)
        playback.feed("readings", batch, at)  # type: ignore[arg-type]
        if dice.random() < 0.3:
            playback.restart()
    return got


def test_the_compiler_says_which_sources_may_bring_columns(plan: Plan) -> None:
    by_name = {node.name: node for node in plan.nodes}
    taking = {name for name, node in by_name.items() if node.takes_columns("readings")}
    assert taking == {"hot", "long", "too_hot", "too_cold"}
    assert by_name["away_hot"].takes_columns("others")
    assert not plan.takes_columns("readings")
    assert not plan.takes_columns("others")


def test_a_source_brings_columns_where_all_who_read_it_take_them(tmp_path: Path) -> None:
    assert compiled(tmp_path, ALL).takes_columns("readings")


@pytest.mark.parametrize("seed", range(12))
def test_columns_go_through_a_flow_as_events_do(plan: Plan, seed: int) -> None:
    assert outputs(plan, seed, True) == outputs(plan, seed, False)


@pytest.mark.parametrize("more", ["", BESIDE], ids=["directly", "through its outbox"])
def test_a_store_gets_columns(tmp_path: Path, more: str) -> None:
    plan = compiled(tmp_path, STORE + more)
    assert plan.takes_columns("readings") == (not more)
    got: list[Outputs] = []

    Playback(plan, 1e9, got.append).feed("readings", as_columns(history(1)), 2e9)  # type: ignore[arg-type]

    assert isinstance(got[0]["kept"], LazyEvents)
    assert list(got[0]["kept"]) == history(1)


def arrival(events: Sequence[Event], part: str = "in:t/0") -> Arrival:
    return Arrival(part, "in", Batch(events, 2e9, False, arrivals=((len(events), 2e9),)))


def test_columns_are_cut_where_partitions_that_are_behind_end() -> None:
    events = sorted(history(1), key=lambda event: event.time)
    short = [event for event in events if event.time < 1e9 + 60]
    for make in (list, as_columns):
        alignment = Alignment(["in:t/0", "in:t/1"])
        alignment.take(arrival(make(events)))
        alignment.take(arrival(make(short), "in:t/1"))
        released = alignment.release()
        assert [list(one.batch.events) for one in released] == [short, short]
        [held] = alignment.held()
        assert held.batch.events == events[len(short) :]
        assert isinstance(held.batch.events, list)


def test_what_waits_for_a_table_is_saved_as_events() -> None:
    arrivals = Arrivals({"in:t/0"}, {"rules:t/0"})
    assert list(arrivals.take(arrival(as_columns(history(1))), False)) == []

    [(_, _, saved)] = arrivals.snapshot().waiting

    assert saved[0] == history(1)


def test_columns_of_subjects_that_lie_apart_are_sent_to_their_shards() -> None:
    given = history(1)
    found = []
    for make in (list, as_columns):
        router = Router(2, ["0", "1"])
        router.partitions["t"] = 2
        batch = make(given)
        router.look("t/0", batch)
        found.append(
            [(shard, list(one.batch.events)) for shard, one in router.route("t/0", arrival(batch))]
        )
    assert found[0] == found[1]
    assert {shard for shard, _ in found[0]} == {"0", "1"}


def test_columns_of_a_partition_whose_subjects_lie_well_stay_columns() -> None:
    router = Router()
    batch = as_columns(history(1))
    router.look("t/0", batch)

    [(_, one)] = router.route("t/0", arrival(batch))

    assert isinstance(one.batch.events, LazyEvents)


def test_the_drawing_shows_where_columns_go(tmp_path: Path) -> None:
    compiled(tmp_path, ALL)

    drawn = CliRunner().invoke(main, ["graph", str(tmp_path / "room.yaml")]).output

    joined_by = [line.strip() for line in drawn.splitlines() if "columns" in line]
    assert len(joined_by) == 5
