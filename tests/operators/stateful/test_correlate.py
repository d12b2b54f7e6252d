from operators.events import Detection, Event, Occurrence
from operators.stateful.correlate import Correlate
from tests.operators.shard import Shard, reading, step

YARD = {"area": "yard"}
TEXT = "correlate: {same: area, within: 30s, need: 2}"


def pir(time: float, **labels: str) -> tuple[str, Event]:
    return "pir", reading(time, 1.0, subject="pir_1", metric="motion", labels=labels or YARD)


def door(time: float, **labels: str) -> tuple[str, Event]:
    return "door", reading(time, 1.0, subject="gate_1", metric="door", labels=labels or YARD)


def person(time: float) -> tuple[str, Event]:
    return "person", Detection(
        id=f"d@{time:g}",
        time=time,
        subject="dock",
        class_="person",
        score=0.9,
        box=(0, 0, 1, 1),
        labels=YARD,
    )


def signs(events: list[Event]) -> list[tuple[float, list[str]]]:
    return [(event.time, event.data["signs"]) for event in events if isinstance(event, Occurrence)]


def test_two_signs_in_one_area_agree() -> None:
    shard = Shard(step(Correlate, TEXT))
    assert shard.feed_roles([pir(0)]) == []
    [event] = shard.feed_roles([person(21)])
    assert event == Occurrence(
        id="pir_1.motion@0+d@21/site/stream/step", time=21, subject="yard", type="correlation",
        labels=YARD,
        data={
            "signs": ["pir", "person"], "subjects": ["pir_1", "dock"], "events": ["pir_1.motion@0",
            "d@21"], "since": 0,
            "area": "yard", "camera": "dock",
        },
    )  # fmt: skip


def test_two_areas_or_too_long_a_span_do_not_agree() -> None:
    shard = Shard(step(Correlate, TEXT))
    assert shard.feed_roles([pir(0, area="hall"), door(1)]) == []
    assert shard.feed_roles([pir(31.5)]) == []
    assert shard.feed_roles([door(61.5)]) != []


def test_one_role_alone_never_agrees_with_itself() -> None:
    assert Shard(step(Correlate, TEXT)).feed_roles([pir(n) for n in range(20)]) == []


def test_an_event_counts_once() -> None:
    shard = Shard(step(Correlate, TEXT))
    assert signs(shard.feed_roles([pir(0), pir(1), door(2)])) == [(2, ["pir", "door"])]
    assert shard.feed_roles([door(3)]) == []
    assert signs(shard.feed_roles([pir(4)])) == [(4, ["door", "pir"])]


def test_the_order_of_arrival_does_not_matter() -> None:
    shard = Shard(step(Correlate, TEXT))
    shard.feed_roles([door(10)])
    assert signs(shard.feed_roles([pir(7)])) == [(10, ["pir", "door"])]


def test_all_roles_are_wanted_when_need_is_left_out() -> None:
    shard = Shard(step(Correlate, "correlate: {within: 30s}"))
    assert shard.feed_roles([pir(0), door(1)]) == []
    assert signs(shard.feed_roles([person(2)])) == [(2, ["pir", "door", "person"])]


def test_in_order_wants_the_order_of_the_roles() -> None:
    shard = Shard(step(Correlate, "correlate: {within: 30s, in_order: true}"))
    assert shard.feed_roles([door(0), pir(1), person(2)]) == []
    assert signs(shard.feed_roles([door(3), person(4)])) == [(4, ["pir", "door", "person"])]


def test_an_event_without_the_label_is_counted() -> None:
    shard = Shard(step(Correlate, TEXT))
    shard.feed_roles([("pir", reading(0, 1.0))])
    assert shard.counts == {"unplaced": 1}


def test_signs_are_bounded_and_forgotten() -> None:
    shard = Shard(step(Correlate, "correlate: {same: area, within: 1h}"))
    shard.feed_roles([pir(n) for n in range(100)])
    assert shard.counts == {"crowded": 68}
    shard.wait_until(2e4)
    assert "pir_1" not in repr(shard.logic.snapshot())


def test_without_a_role_it_comes_when_the_time_for_that_role_is_over() -> None:
    shard = Shard(
        step(Correlate, "correlate: {same: area, within: 30s, need: 1, without: person}"),
        restarts=True,
    )
    assert shard.feed_roles([door(10)]) == []
    assert signs(shard.wait_until(41)) == [(40, ["door"])]
    assert shard.wait_until(500) == []


def test_a_forbidding_event_before_or_after_excuses_it() -> None:
    text = "correlate: {same: area, within: 30s, need: 1, without: person}"
    for events in ([door(10), person(39)], [person(0), door(10)], [door(10), person(40)]):
        shard = Shard(step(Correlate, text), restarts=True)
        out = [found for event in events for found in shard.feed_roles([event])]
        assert [*out, *shard.wait_until(500)] == []
        assert shard.counts == {"excused": 1}
    shard = Shard(step(Correlate, text))
    shard.feed_roles([door(10), person(41)])
    assert len(shard.wait_until(500)) == 1


def test_in_order_only_what_comes_after_excuses_it() -> None:
    shard = Shard(
        step(
            Correlate,
            "correlate: {same: area, within: 30s, need: 1, in_order: true, without: person}",
        )
    )
    shard.feed_roles([person(9), door(10)])
    assert signs(shard.wait_until(500)) == [(40, ["door"])]
