import threading

import pytest

from connectors.base import Batch
from flows.dataflow.clock import ClockSettings
from flows.dataflow.input_order import Arrival
from flows.dataflow.plan import ALARMS, Node, Outlet, Plan, Step
from flows.runtime.runtime_context import Input, RuntimeContext
from flows.runtime.saved_state.input_state import load
from flows.runtime.shard_logic import ShardLogic
from flows.runtime.sources.reader import SourceReader
from flows.runtime.wakeup import Wakeup
from operators.alarms.logic import make_logic
from operators.alarms.settings import Alarm
from operators.component import StepContext
from operators.events import AlarmTransition, Event, Reading, Row


class Refusing:
    """A reader whose lines are all refused."""

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def read(self) -> Batch | None:
        return None

    def position(self) -> object:
        self._done.append("position")
        return 7

    def read_until(self) -> float:
        return 0.0

    def lag(self) -> int | None:
        return None

    def close(self) -> None:
        pass


def test_what_a_source_refused_is_durable_before_the_position_after_it_is_saved() -> None:
    done: list[str] = []
    context = RuntimeContext(
        Plan("f", (), ()),
        threading.Event(),
        flush_refused=lambda: done.append("letters durable"),
    )
    source = Input("in", ["t/0"], lambda name, position: Refusing(done))
    context.join(source)

    assert load(SourceReader(context, source, None).snapshot()).positions == {"t/0": 7}
    assert done == ["position", "letters durable"]


class Full(Refusing):
    """A reader that always has three events."""

    def __init__(self) -> None:
        super().__init__([])
        self.reads = 0

    def read(self) -> Batch | None:
        self.reads += 1
        events: list[Event] = [
            Reading(id=f"{n}", time=n, subject="s", metric="m", value=1.0) for n in range(3)
        ]
        return Batch(events, 5.0, True)


def test_partitions_are_read_in_turn_until_enough_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.runtime.sources.reader.MOST_AT_ONCE", 6)
    context = RuntimeContext(Plan("f", (), ()), threading.Event())
    partitions = {f"t/{n}": Full() for n in range(3)}
    source = Input("in", list(partitions), lambda name, position: partitions[name])
    context.join(source)
    reader = SourceReader(context, source, None)

    def reads() -> list[int]:
        reader.next_batch()
        return [one.reads for one in partitions.values()]

    assert [reads() for _ in range(3)] == [[1, 1, 0], [1, 1, 1], [2, 1, 2]]


def test_a_flow_waits_only_once_all_of_its_partitions_had_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wakeup = Wakeup()
    waits: list[float] = []
    monkeypatch.setattr(wakeup._event, "wait", waits.append)
    for _ in range(3):
        wakeup.join()

    for _ in range(10):
        wakeup.busy()
        wakeup.idle()
        wakeup.idle()
    assert waits == []

    wakeup.idle()
    assert len(waits) == 1


def test_a_source_that_is_asked_to_stop_ends_at_once_and_reads_no_more() -> None:
    stopping = threading.Event()
    context = RuntimeContext(Plan("f", (), ()), stopping)
    full = Full()
    source = Input("in", ["t/0"], lambda name, position: full)
    context.join(source)
    part = SourceReader(context, source, None)

    stopping.set()

    with pytest.raises(StopIteration):
        part.next_batch()
    assert full.reads == 0


def market(*names: str) -> Plan:
    """Alarms with these names, each with the rules of one table."""

    def node(name: str) -> Node:
        alarm = Alarm.model_validate({"from": "in", "rules": "rules", "response": "Look."})
        step = Step(
            f"f/{name}", lambda: make_logic(alarm, StepContext("f", f"f/{name}")), stateful=True
        )
        return Node(name, (("in", None), ("rules", "rules")), (step,), is_alarm=True)

    return Plan(
        "f", tuple(map(node, names)), (Outlet("out", (ALARMS,)),), sides=frozenset({"rules"})
    )


def market_shard(plan: Plan, state: bytes | None = None) -> ShardLogic:
    context = RuntimeContext(plan, threading.Event())
    context.parts_of_shard, context.side_parts, context.table_parts = (
        {"0": {"in:t/0"}},
        {"rules:r/0"},
        {"rules:r/0"},
    )
    return ShardLogic(context, state)


def rules(*subjects: str) -> tuple[str, list[Arrival]]:
    rows: list[Event] = [
        Row(
            id=name,
            time=5.0,
            table="r",
            op="update",
            values={"id": name, "subject": name, "above": 1},
        )
        for name in subjects
    ]
    return ("0", [Arrival("rules:r/0", "rules", Batch(rows, 5.0, True, whole=True))])


def raised_by(shard: ShardLogic, time: float, *subjects: str) -> list[str]:
    events: list[Event] = [
        Reading(id=f"{s}{time}", time=time, subject=s, metric="m", value=2.0) for s in subjects
    ]
    items, _ = shard.on_batch([("0", [Arrival("in:t/0", "in", Batch(events, time, True))])])
    transitions = [
        event for _, some in items for event in some if isinstance(event, AlarmTransition)
    ]
    return [f"{event.rule} {event.change}" for event in transitions]


def test_an_alarm_that_is_added_later_gets_all_rules_of_a_known_table() -> None:
    shard = market_shard(market("first"))
    shard.on_batch([rules("eur", "usd")])
    shard = market_shard(market("first", "second"), shard.snapshot())
    shard.on_batch([rules("eur")])
    raised = raised_by(shard, 6.0, "eur", "usd")
    assert raised == [
        "f/first/eur raised",
        "f/second/eur raised",
    ], "and a rule that went meanwhile is gone for the first"
    shard = market_shard(market("first", "second"), shard.snapshot())
    assert shard.on_batch([rules("eur")])[0] == []


def test_a_timer_beyond_the_calendar_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    shard = ShardLogic(RuntimeContext(Plan("f", (), ()), threading.Event()), None)
    shard.on_batch([("0", [Arrival("in:t/0", "in", Batch([], 1.0, True))])])
    monkeypatch.setattr(shard._graph, "next_wake", lambda: 253_402_300_800.0)

    at = shard.notify_at()

    assert at is not None
    assert at.year < 3000


def test_alarms_keep_the_times_of_old_readings_through_a_restart_of_a_flow_that_began_empty() -> (
    None
):
    alarm = Alarm.model_validate({"from": "in", "when": {"above": 30}, "response": "Cool it."})
    step = Step("f/hot", lambda: make_logic(alarm, StepContext("f", "f/hot")), stateful=True)
    plan = Plan(
        "f",
        (Node("hot", (("in", None),), (step,), is_alarm=True),),
        (Outlet("out", (ALARMS,)),),
        ClockSettings(idle=3600),
    )
    wall = 1_772_366_400.0

    def begin(state: bytes | None, at: float) -> ShardLogic:
        context = RuntimeContext(plan, threading.Event(), clock=lambda: at)
        context.parts_of_shard = {"0": {"in:t/0", "in:t/2"}}
        shard = ShardLogic(context, state)
        for part in ("in:t/0", "in:t/2"):
            shard.on_batch([("0", [Arrival(part, "in", Batch([], at, True))])])
        shard.on_notify()
        return shard

    def changes(shard: ShardLogic, time: float, value: float, at: float) -> list[float]:
        read: list[Event] = [
            Reading(id=f"{time}", time=time, subject="oven", metric="temperature", value=value)
        ]
        items, _ = shard.on_batch([("0", [Arrival("in:t/0", "in", Batch(read, at, True))])])
        return [event.time for _, some in items for event in some]

    shard = begin(None, wall)
    assert changes(shard, 1000.0, 31.0, wall + 40) == [1000.0]

    shard = begin(shard.snapshot(), wall + 60)
    assert changes(shard, 1070.0, 20.0, wall + 61) == [1070.0]
