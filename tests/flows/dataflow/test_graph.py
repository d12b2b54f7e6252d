import math

import msgspec
import pytest

from flows.dataflow.clock import Clock, ClockSettings, Silence
from flows.dataflow.graph import Graph
from flows.dataflow.plan import Node, Outlet, Plan, Step
from flows.dataflow.shard_state import StepState, dump, load
from operators.component import INSTANT, NEVER, Due, Logic, MapLogic, Now
from operators.events import DeadLetter, Event, Reading
from operators.model.saved_state import encode


def reading(time: float, value: float = 1.0, subject: str = "rack") -> Reading:
    return Reading(
        id=f"{subject}-{time}", time=time, subject=subject, metric="temperature", value=value
    )


class Counting(Logic):
    """Keeps how many events it saw; refuses negative values, calls zero late."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        self.seen += len(events)
        out: list[Event] = []
        for event in events:
            assert isinstance(event, Reading)
            assert event.value is not None
            if event.value < 0:
                self.errors.append(
                    DeadLetter(
                        id=event.id,
                        time=0,
                        flow="f",
                        step="s",
                        reason="negative",
                        detail="",
                        origin="test",
                    )
                )
                self.count("negative")
            elif event.value == 0:
                self.late.append(event)
            else:
                out.append(event)
        return out

    def snapshot(self) -> object:
        return self.seen

    def restore(self, state: object, version: int) -> None:
        assert isinstance(state, int)
        self.seen = state


class Echo(Logic):
    """Says `after` seconds of event time after an event of the rack that it came."""

    def __init__(self, after: float) -> None:
        super().__init__()
        self.after = after
        self.due = math.inf

    def on_batch(self, events: list[Event], now: Now) -> list[Event]:
        for event in events:
            if isinstance(event, Reading) and event.subject == "rack":
                self.due = event.time + self.after
        return []

    def on_time(self, now: Now) -> list[Event]:
        event = reading(self.due, subject="echo")
        self.due = math.inf
        return [event]

    def next_time(self) -> Due:
        return Due(event=self.due) if self.due < math.inf else NEVER


def plan(*nodes: Node, outlets: tuple[Outlet, ...], clock: ClockSettings | None = None) -> Plan:
    return Plan("f", nodes, outlets, clock or ClockSettings())


def test_events_fan_out_to_every_reader_of_a_stream() -> None:
    double = Node(
        "double",
        (("source", None),),
        (Step("f/double/scale", lambda: MapLogic.each(lambda e: reading(e.time, e.value * 2))),),
    )
    graph = Graph(
        plan(double, outlets=(Outlet("raw", ("source",)), Outlet("both", ("source", "double"))))
    )

    out = graph.feed("source", [reading(1.0, 21.0)], wall=1.0)

    assert [e.value for e in out["raw"]] == [21.0]
    assert [e.value for e in out["both"]] == [21.0, 42.0]


def test_refused_and_late_events_leave_by_their_own_names_and_are_counted() -> None:
    node = Node("s", (("source", None),), (Step("f/s/count", Counting),))
    outlets = (Outlet("good", ("s",)), Outlet("bad", ("s.errors",)), Outlet("old", ("s.late",)))
    graph = Graph(plan(node, outlets=outlets))

    out = graph.feed("source", [reading(1, 5), reading(2, -1), reading(3, 0)], wall=3.0)

    assert {name: len(events) for name, events in out.items()} == {"good": 1, "bad": 1, "old": 1}
    assert graph.take_counts() == {("f/s/count", "negative"): 1, ("f/s/count", "late"): 1}
    assert graph.take_counts() == {}


def test_state_is_saved_under_the_persisted_identity_and_restored_into_a_new_graph() -> None:
    node = Node("s", (("source", None),), (Step("f/s/count", Counting, True),))
    first = Graph(plan(node, outlets=()))
    first.feed("source", [reading(1), reading(2)], wall=2.0)
    saved = first.snapshot()

    second = Graph(plan(node, outlets=()))
    second.restore(load(dump(saved)))
    second.feed("source", [reading(3)], wall=3.0)

    assert second.snapshot().steps == {"f/s/count": StepState(1, msgspec.Raw(encode(3)))}


def test_a_timer_fires_once_data_have_passed_its_deadline_by_the_lateness() -> None:
    node = Node("echo", (("source", None),), (Step("f/echo/echo", lambda: Echo(10)),))
    graph = Graph(plan(node, outlets=(Outlet("out", ("echo",)),)))
    graph.feed("source", [reading(100)], wall=100)

    assert graph.feed("source", [reading(114, subject="b")], wall=114) == {}
    assert graph.feed("source", [reading(115, subject="b")], wall=115) == {}, (
        "one of 110 may still come in time"
    )
    out = graph.feed("source", [reading(115.001, subject="b")], wall=115.001)

    assert [e.time for e in out["out"]] == [110]


def test_a_timer_of_a_shard_that_hears_nothing_fires_a_second_after_the_lateness() -> None:
    node = Node("echo", (("source", None),), (Step("f/echo/echo", lambda: Echo(10)),))
    graph = Graph(plan(node, outlets=(Outlet("out", ("echo",)),)))
    graph.feed("source", [reading(100)], wall=100)

    wake = graph.next_wake()
    assert wake == pytest.approx(116, abs=2 * INSTANT)
    assert graph.tick(115.9) == {}
    assert [e.time for e in graph.tick(wake)["out"]] == [110]
    assert graph.next_wake() is None


def test_a_device_whose_clock_is_slow_is_not_late_because_it_was_silent() -> None:
    clock = Clock(ClockSettings(lateness=5))
    clock.saw("a", 80 - 5, 100)
    clock.tick(120)

    assert clock.event < 80 + 20 - 5


def test_a_source_that_may_have_something_to_say_holds_event_time_until_the_idle_time() -> None:
    graph = Graph(
        plan(
            Node("echo", (("source", None),), (Step("f/echo/echo", lambda: Echo(10)),)),
            outlets=(Outlet("out", ("echo",)),),
        )
    )
    graph.feed("source", [reading(100)], wall=100, part="source:t/0")

    assert graph.tick(117, {}) == {}
    assert graph.next_wake() == 117.25, "it looks again soon"
    assert graph.tick(129.9, {"source:t/0": Silence(100, 112)}) == {}
    assert [e.time for e in graph.tick(130, {})["out"]] == [110]


def test_only_silence_that_was_heard_counts() -> None:
    clock = Clock(ClockSettings(lateness=5))
    clock.saw("a", 95, 100)
    clock.tick(125, {"a": Silence(since=120, until=125)})

    assert clock.event == 95 + 4
    assert clock.wall_of(100) == 126


def test_an_event_from_the_future_takes_its_arrival_time_and_does_not_move_the_clock() -> None:
    graph = Graph(plan(outlets=(Outlet("out", ("source",)),)))

    out = graph.feed("source", [reading(100), reading(5000)], wall=100)

    assert [(e.time, e.quality) for e in out["out"]] == [(100, "good"), (100, "bad")]
    assert graph.take_counts() == {("source", "future"): 1}
    assert graph.snapshot().clock.now == (95 - INSTANT, 100)


def test_devices_without_a_clock_get_the_time_of_arrival() -> None:
    graph = Graph(plan(outlets=(Outlet("out", ("source",)),), clock=ClockSettings(arrival=True)))

    assert [e.time for e in graph.feed("source", [reading(0)], wall=77)["out"]] == [77]


def test_a_source_may_have_a_clock_of_its_own() -> None:
    outlets = (Outlet("out", ("door", "meter")),)
    graph = Graph(Plan("f", (), outlets, ClockSettings(), {"door": ClockSettings(arrival=True)}))

    assert [e.time for e in graph.feed("door", [reading(0)], wall=77)["out"]] == [77]
    assert [e.time for e in graph.feed("meter", [reading(70)], wall=78)["out"]] == [70]


def test_roles_reach_a_step_that_asks_for_them() -> None:
    class Roles(Logic):
        def on_role(self, role: str, events: list[Event], now: Now) -> list[Event]:
            return [reading(event.time, subject=role) for event in events]

    node = Node("pair", (("a", "made"), ("b", "bought")), (Step("f/pair/roles", Roles),))
    graph = Graph(plan(node, outlets=(Outlet("out", ("pair",)),)))

    assert [e.subject for e in graph.feed("b", [reading(1)], wall=1)["out"]] == ["bought"]
    assert [e.subject for e in graph.feed("a", [reading(1)], wall=1)["out"]] == ["made"]


def test_the_clocks_never_run_backwards() -> None:
    clock = Clock(ClockSettings())
    clock.saw("a", 95, 100)
    before = clock.now()
    clock.saw("a", 45, 90)
    clock.tick(80)

    assert clock.now() == before


def test_event_time_follows_the_slowest_source_that_is_not_idle() -> None:
    clock = Clock(ClockSettings(idle=30))
    clock.saw("fast", 100, 105)
    clock.saw("slow", 50, 105)
    clock.saw("fast", 130, 134)
    assert clock.event == 100

    clock.saw("fast", 131, 135)
    assert clock.event == 131


def test_event_time_waits_for_a_source_that_works_off_what_had_gathered() -> None:
    clock = Clock(ClockSettings(idle=30))
    clock.expect(["a", "b"])
    clock.saw("a", 1000, 5000)
    assert clock.event == float("-inf")

    clock.saw("b", 400, 5000)
    assert clock.event == 400

    clock.caught_up("b")
    clock.saw("a", 1001, 5040)
    assert clock.event == 1001


def test_what_comes_first_may_be_old_though_its_sources_were_empty_before() -> None:
    clock = Clock(ClockSettings(lateness=5, idle=30))
    clock.expect(["a", "b"])
    clock.caught_up("a", 5000)
    clock.caught_up("b", 5010)

    clock.tick(5011, {})
    assert clock.event == float("-inf")

    clock.saw("a", 400, 5012)
    assert clock.event == 400


def test_sources_that_never_brought_anything_are_idle_after_the_idle_time() -> None:
    clock = Clock(ClockSettings(lateness=5, idle=30))
    clock.expect(["a"])
    clock.caught_up("a", 5000)
    assert clock.wall_of(5010) == 5030

    clock.tick(5030, {})
    assert clock.event == 5025


def test_a_shard_that_is_woken_exactly_when_it_becomes_idle_needs_no_second_waking() -> None:
    for n in range(1000):
        clock = Clock(ClockSettings())
        clock.saw("a", 0.0, 1.7e9 + n / 7)

        clock.tick(clock.wall_of(1e8))

        assert clock.event == clock.wall


def test_an_event_from_the_future_takes_the_arrival_of_its_own_record_however_batches_are_cut() -> (
    None
):
    sent = [
        (reading(100), 100.0),
        (reading(5000), 101.0),
        (reading(104), 104.0),
        (reading(109.5), 104.0),
        (reading(7), 110.0),
    ]

    def told(cuts: list[int], clock: ClockSettings) -> list[tuple[str, float, str]]:
        graph = Graph(plan(outlets=(Outlet("out", ("source",)),), clock=clock))
        made: list[Event] = []
        for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
            events: list[Event] = [msgspec.structs.replace(event) for event, _ in sent[start:end]]
            arrivals = [(1, at) for _, at in sent[start:end]]
            made += graph.feed("source", events, arrivals[-1][1], arrivals=arrivals)["out"]
        return [(e.id, e.time, e.quality) for e in made if isinstance(e, Reading)]

    for clock in (ClockSettings(), ClockSettings(arrival=True)):
        assert (
            told([], clock) == told([1, 2, 3, 4], clock) == told([2], clock) == told([1, 4], clock)
        )
    assert [at for _, at, _ in told([], ClockSettings())] == [100, 101, 104, 104, 7]
    assert [at for _, at, _ in told([], ClockSettings(arrival=True))] == [100, 101, 104, 104, 110]
