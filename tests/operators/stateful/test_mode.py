from operators.component import StepContext
from operators.events import AlarmTransition, Event
from operators.stateful.mode import Mode
from tests.operators.shard import Shard, occurrence, reading, states, step

# The roles of the shard are pir, door and person; the person's stream plays the switch here.
TEXT = "mode: {role: person, passes: surveillance, start: active}"


def switch(time: float, mode: str, **more: str) -> tuple[str, Event]:
    return "person", reading(time, None, subject="panel", metric="mode", text=mode, labels=more)


def motion(time: float, value: float = 1.0, **more: str) -> tuple[str, Event]:
    return "pir", reading(time, value, metric="motion", subject="yard", labels=more)


def test_events_pass_only_in_the_modes_that_were_named() -> None:
    shard = Shard(step(Mode, TEXT), restarts=True)
    out = shard.feed_roles(
        [
            motion(0),
            switch(1, "surveillance"),
            motion(2),
            motion(3, 0.0),
            switch(4, "active"),
            motion(5),
        ]
    )
    assert states(out) == [(2, "motion", 1.0), (3, "motion", 0.0)]
    assert shard.counts == {"other_mode": 2}


def test_the_end_of_what_passed_passes_in_any_mode() -> None:
    shard = Shard(step(Mode, TEXT), restarts=True)
    out = shard.feed_roles([switch(0, "surveillance"), motion(1), switch(2, "active")])
    out += shard.feed_roles([motion(3, 0.0), motion(4, 0.0)])
    assert states(out) == [(1, "motion", 1.0), (3, "motion", 0.0)]


def test_each_place_has_a_mode_of_its_own() -> None:
    shard = Shard(
        step(
            Mode, "mode: {role: person, field: data.mode, passes: [night, away], same: label.area}"
        )
    )
    night = ("person", occurrence(0, "switched", data={"mode": "night"}, labels={"area": "hall"}))
    out = shard.feed_roles([night, motion(1, area="hall"), motion(2, area="yard")])
    assert [event.time for event in out] == [1]


def test_an_old_switch_does_not_undo_a_newer_one() -> None:
    shard = Shard(step(Mode, TEXT))
    out = shard.feed_roles([switch(5, "surveillance")])
    out += shard.feed_roles([switch(3, "active"), motion(6)])
    assert [event.time for event in out] == [6]
    assert len(shard.late) == 1


def alarm(time: float, told: str | None, since: float = 0.0) -> tuple[str, Event]:
    change = AlarmTransition(
        id=f"a{time}", time=time, recorded=time, rule="f/hot", alarm="hot", subject="yard", occ=1,
        seq=1, event="", change="", state="", isa="", annunciation=told, since=since,
    )  # fmt: skip
    return "pir", change


def test_an_alarm_that_stands_for_weeks_is_ended_for_who_was_told_of_it() -> None:
    shard = Shard(step(Mode, TEXT), restarts=True)
    shard.feed_roles([switch(0, "surveillance"), alarm(1, "start"), switch(2, "active")])
    shard.feed_roles([motion(30 * 86400.0)])
    out = shard.feed_roles([alarm(30 * 86400.0 + 1, "end"), alarm(30 * 86400.0 + 2, "end")])
    assert [event.time for event in out] == [30 * 86400.0 + 1]


def test_what_a_state_of_version_1_does_not_know_of_an_alarm_ends_as_everything_passes() -> None:
    logic = step(Mode, TEXT).logic(StepContext("f", "f/s/mode"))
    logic.restore(({(): (0.0, "surveillance")}, {}), 1)
    told = [alarm(10, "end", since=5), alarm(11, "end", since=10.5)]
    events: list[Event] = []
    for role, event in told:
        logic.take(role, event, events)
    assert [event.annunciation for event in events] == ["end", None]
