"""Entering and leaving zones."""

from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import msgspec
import pytest

from operators.component import Area, Line, Now
from operators.events import Detection, Row
from operators.model.saved_state import decode, encode
from operators.vision.polygon import contains, overlaps
from operators.vision.visitor import FORGET
from operators.vision.zone_hours import Hours, checked_hours
from operators.vision.zones import Zones
from tests.operators.shard import CONTEXT, Shard, reading

SQUARE = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]
CONTEXT = replace(
    CONTEXT,
    roles=("table",),
    zones={"floor": [Area("gate", SQUARE)], "ramp": [Area("dock", SQUARE)]},
)


def seen(time, left=0.4, foot=0.7, track="a", phase="update", camera="gate"):
    box = (left, round(foot - 0.3, 6), 0.2, 0.3)
    return Detection(
        id=f"{track}@{time:g}",
        time=time,
        subject=camera,
        class_="person",
        score=0.9,
        box=box,
        track=track,
        phase=phase,
    )


def shard(restarts=False, **settings):
    return Shard(Zones(**{"inertia": 1, **settings}), CONTEXT, restarts)


def phases(events):
    return [(e.time, e.track, e.phase, e.in_zone) for e in events]


def test_an_object_enters_once_and_leaves_once():
    out = shard().feed(
        seen(0.0, foot=0.1), seen(1.0), seen(2.0), seen(3.0, foot=0.95), seen(4.0, foot=0.95)
    )
    assert phases(out) == [(1.0, "a", "entered", "floor"), (3.0, "a", "left", "floor")]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_stay_must_last(restarts):
    zones = shard(restarts, stay="1s")
    assert phases(zones.feed(seen(0.0))) == []
    assert phases(zones.feed(seen(0.8))) == []
    assert phases(zones.feed(seen(1.0), seen(1.2))) == [(1.0, "a", "entered", "floor")]
    assert phases(zones.feed(seen(2.0, foot=0.1), seen(2.2), seen(3.1))) == [
        (2.0, "a", "left", "floor")
    ]
    assert phases(zones.feed(seen(3.2))) == [(3.2, "a", "entered", "floor")]


def test_the_end_of_a_track_leaves_its_zones_and_frees_them():
    zones = shard()
    zones.feed(seen(0.0))
    assert phases(zones.feed(seen(5.0, phase="end"))) == [(5.0, "a", "left", "floor")]
    assert zones.logic.snapshot() == ([], {}, None)


def test_a_zone_belongs_to_its_camera_and_only_names_zones():
    assert phases(shard().feed(seen(0.0, camera="dock"))) == [(0.0, "a", "entered", "ramp")]
    assert shard(only="floor").feed(seen(0.0, camera="dock")) == []


def test_the_foot_the_center_or_any_overlap_counts():
    standing_outside = seen(0.0, foot=0.9)  # the center is at 0.75
    assert shard().feed(standing_outside) == []
    assert len(shard(anchor="center").feed(standing_outside)) == 1
    beside = seen(0.0, left=0.75, foot=0.5)  # the foot is at 0.85
    assert shard().feed(beside) == []
    assert len(shard(anchor="overlap").feed(beside)) == 1


def test_what_has_no_track_is_counted_and_what_never_ends_is_forgotten():
    zones = shard()
    assert zones.feed(reading(0.0, 1.0), seen(0.0, track=None)) == []
    assert zones.counts == {"untracked": 2}
    zones.feed(seen(0.0))
    zones.feed(seen(FORGET + 10, foot=0.1, track="b"))
    assert zones.logic.snapshot() == ([], {}, None)


def test_one_picture_outside_or_inside_changes_nothing_by_default():
    zones = Shard(Zones(), CONTEXT)
    flicker = [0.7, 0.1, 0.7, 0.7, 0.1, 0.7, 0.7, 0.7, 0.1, 0.1, 0.7, 0.1, 0.1, 0.1]
    out = zones.feed(*(seen(n / 5, foot=foot) for n, foot in enumerate(flicker)))
    assert phases(out) == [(1.4, "a", "entered", "floor"), (2.6, "a", "left", "floor")]


@pytest.mark.parametrize("restarts", [False, True])
def test_who_stays_for_long_loiters_once_a_stay(restarts):
    zones = shard(restarts, stay="1s", loiter="60s")
    pictures = [seen(float(n)) for n in range(100)] + [seen(100.0, foot=0.1)]
    pictures += [seen(float(n)) for n in range(101, 170)]
    assert phases(zones.feed(*pictures)) == [
        (1.0, "a", "entered", "floor"),
        (60.0, "a", "loitering", "floor"),
        (100.0, "a", "left", "floor"),
        (102.0, "a", "entered", "floor"),
        (161.0, "a", "loitering", "floor"),
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_what_stands_still_enters_and_loiters_though_nothing_more_is_heard_of_it(restarts):
    zones = shard(restarts, stay="20s", loiter="60s")
    still = msgspec.structs.replace(seen(10.0), still=True)
    assert zones.feed(seen(0.0), seen(5.0), still) == []
    assert phases(zones.wait_until(20.0)) == [(20.0, "a", "entered", "floor")]
    assert zones.wait_until(59.0) == []
    assert phases(zones.feed(seen(80.0), seen(80.2, phase="end"))) == [
        (60.0, "a", "loitering", "floor"),
        (80.2, "a", "left", "floor"),
    ]


def test_what_is_not_seen_any_more_does_not_enter_by_waiting():
    zones = shard(stay="20s")
    assert zones.feed(seen(0.0), seen(10.0)) == []
    assert zones.wait_until(100.0) == []
    assert zones.feed(seen(100.0, phase="end")) == []


def test_a_zone_has_polygons_on_any_camera_less_what_is_excluded():
    hole = [(0.4, 0.6), (0.6, 0.6), (0.6, 0.8), (0.4, 0.8)]
    yard = [Area("gate", SQUARE, [hole]), Area("gate", [(0.9, 0.0), (1, 0), (1, 1), (0.9, 1)]),
            Area("dock", SQUARE)]  # fmt: skip
    zones = Shard(Zones(inertia=1), replace(CONTEXT, zones={"yard": yard}))
    assert zones.feed(seen(0.0, left=0.4)) == []
    assert phases(zones.feed(seen(1.0, left=0.2))) == [(1.0, "a", "entered", "yard")]
    assert zones.feed(seen(2.0, left=0.85)) == []
    assert phases(zones.feed(seen(3.0, left=0.0))) == [(3.0, "a", "left", "yard")]
    assert phases(zones.feed(seen(3.0, left=0.2, camera="dock", track="b"))) == [
        (3.0, "b", "entered", "yard")
    ]


GATE = {"gate_line": Line("gate", (0.5, 1.0), (0.5, 0.2))}


def walk(*lefts, start=0.0, step=0.6, **more):
    return [seen(round(start + n * step, 3), left=left, **more) for n, left in enumerate(lefts)]


def lined(restarts=False, lines=GATE, **settings):
    return Shard(Zones(**settings), replace(CONTEXT, zones={}, lines=lines), restarts)


def crossings(events):
    return [(e.time, e.phase, e.line, e.direction) for e in events]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_line_is_crossed_to_the_side_that_is_right_or_left_of_it(restarts):
    gate = lined(restarts)
    out = gate.feed(*walk(0.1, 0.2, 0.3, 0.5, 0.6, 0.7))
    assert crossings(out) == [(1.8, "crossed", "gate_line", "right")]
    assert out[0].id == "a@1.8/gate_line/crossed"
    back = gate.feed(*walk(0.5, 0.3, 0.2, 0.1, start=10.0))
    assert crossings(back) == [(10.6, "crossed", "gate_line", "left")]
    assert gate.feed(seen(20.0, phase="end")) == []
    assert gate.logic.snapshot() == ([], {}, None)


def test_what_crosses_back_within_a_second_has_not_crossed():
    gate = lined()
    there_and_back = walk(0.3, 0.5, 0.3, 0.3, 0.3, 0.3, step=0.5)
    assert gate.feed(*there_and_back) == []
    assert gate.wait_until(100.0) == []
    again = walk(0.3, 0.5, 0.3, 0.5, 0.5, 0.5, 0.5, start=200.0, step=0.5)
    assert crossings(gate.feed(*again)) == [(201.5, "crossed", "gate_line", "right")]


def test_a_crossing_is_told_when_a_second_is_over_or_the_track_ends():
    gate = lined()
    assert gate.feed(*walk(0.3, 0.5)) == []
    assert crossings(gate.wait_until(2.0)) == [(0.6, "crossed", "gate_line", "right")]
    assert gate.feed(*walk(0.3, 0.5, start=10.0, track="b")) == []
    assert crossings(gate.feed(seen(11.0, track="b", phase="end"))) == [
        (10.6, "crossed", "gate_line", "right")
    ]


def test_a_way_past_the_end_of_a_line_or_along_it_does_not_cross_it():
    gate = lined()
    out = gate.feed(
        *walk(0.3, 0.5, foot=0.15), *walk(0.4, 0.4, 0.5, 0.4, 0.6, start=5.0, track="b"),
        seen(20.0, left=0.6, track="b"), seen(20.0, left=0.5),
    )  # fmt: skip
    assert out == []


def test_only_names_zones_and_lines():
    assert lined(only="other").feed(*walk(0.3, 0.5, 0.6, 0.7, 0.7)) == []
    assert len(lined(only=["gate_line"]).feed(*walk(0.3, 0.5, 0.6, 0.7, 0.7))) == 1


def test_the_state_of_the_version_before_is_gone_on_from():
    logic = Zones(stay="1s").logic(CONTEXT)
    old = [(("gate", "a", "floor"), 1.0, 1.4, False), (("gate", "b", "floor"), 0.0, 1.4, True)]
    logic.restore(decode(encode(old)), 1)
    out = logic.on_batch([seen(2.0), seen(2.0, track="b", phase="end")], Now(0.0, 0.0))
    assert phases(out) == [(2.0, "a", "entered", "floor"), (2.0, "b", "left", "floor")]


@pytest.mark.parametrize(
    ("point", "inside"),
    [((0.5, 0.5), True), ((0.2, 0.5), True), ((0.8, 0.8), True), ((0.5, 0.2), True), ((0.1, 0.5),
    False),
     ((0.5, 0.81), False), ((0.2, 0.81), False)],
)  # fmt: skip
def test_edges_belong_to_a_polygon(point, inside):
    assert contains(SQUARE, point) is inside
    assert contains(SQUARE[::-1], point) is inside


def test_boxes_and_polygons_overlap_also_where_no_corner_lies_in_the_other():
    assert overlaps(SQUARE, (0.4, 0.0, 0.1, 1.0))
    assert overlaps(SQUARE, (0.0, 0.0, 1.0, 1.0))
    assert overlaps(SQUARE, (0.4, 0.4, 0.1, 0.1))
    assert not overlaps(SQUARE, (0.0, 0.0, 0.1, 0.1))


def row(name="gate", **drawn):
    return Row(
        id="r", time=0.0, table="cameras", op="update", values={"id": name, "name": name, **drawn}
    )


HALL = {"hall": {"points": [[0.2, 0.5], [0.8, 0.5], [0.8, 1.0], [0.2, 1.0]]}}


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_drawn_while_the_flow_runs_counts_from_the_next_picture_on(restarts):
    zones = shard(restarts)
    assert phases(zones.feed(seen(0.0, foot=0.95))) == []
    zones.feed_roles([("table", row(zones=HALL))])
    assert phases(zones.feed(seen(1.0, foot=0.95))) == [(1.0, "a", "entered", "hall")]
    assert phases(zones.feed(seen(2.0))) == [(2.0, "a", "entered", "floor")]
    zones.feed_roles([("table", row())])
    assert phases(zones.feed(seen(3.0))) == [(3.0, "a", "left", "hall")]
    zones.feed(seen(4.0, phase="end"))
    assert zones.logic.snapshot() == ([], {}, None)


def test_a_drawn_zone_stands_for_the_one_of_its_name_and_the_deleted_one_no_longer():
    zones = shard()
    floor = {"floor": {"points": [[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]}}
    zones.feed_roles([("table", row(zones=floor))])
    assert zones.feed(seen(0.0)) == []
    zones.feed_roles([("table", msgspec.structs.replace(row(), op="delete"))])
    assert phases(zones.feed(seen(1.0))) == [(1.0, "a", "entered", "floor")]


def test_only_the_zones_that_the_step_names_count_whoever_drew_them():
    zones = shard(only="hall")
    zones.feed_roles([("table", row(zones=HALL | {"yard": HALL["hall"]}))])
    assert phases(zones.feed(seen(0.0))) == [(0.0, "a", "entered", "hall")]


def test_a_drawn_line_counts_and_one_that_is_moved_is_not_crossed_by_that():
    zones = shard()
    line = {"door": {"from": [0.3, 1.0], "to": [0.3, 0.0]}}
    zones.feed_roles([("table", row(lines=line))])
    zones.feed(seen(0.0, left=0.1, foot=0.1))  # its foot is at 0.2
    line = {"door": {"from": [0.1, 1.0], "to": [0.1, 0.0]}}
    zones.feed_roles([("table", row(lines=line))])
    assert zones.feed(seen(1.0, left=0.1, foot=0.1), seen(3.0, left=0.1, foot=0.1)) == []
    zones.feed(seen(4.0, left=-0.1, foot=0.1))
    assert [(e.line, e.direction) for e in zones.feed(seen(6.0, left=-0.1, foot=0.1))] == [
        ("door", "left")
    ]


def test_a_row_that_draws_nonsense_is_counted_and_changes_nothing():
    zones = shard()
    zones.feed_roles([("table", row(zones=HALL))])
    zones.feed_roles([("table", row(zones={"hall": {"points": [[0.2, 7]]}}))])
    assert zones.counts == {"bad_places": 1}
    assert phases(zones.feed(seen(0.0, foot=0.95))) == [(0.0, "a", "entered", "hall")]


def test_the_state_of_the_version_before_is_taken_over():
    zones = shard()
    zones.feed(seen(0.0))
    visitors, *_ = zones.logic.snapshot()
    newer = shard()
    newer.logic.restore(decode(encode(visitors), object), 2)
    assert phases(newer.feed(seen(1.0, foot=0.1))) == [(1.0, "a", "left", "floor")]


def test_a_zone_counts_in_its_hours_by_the_clock_of_the_site():
    night = {"hall": HALL["hall"] | {"hours": "20:00-06:00"}}
    zones = Shard(Zones(inertia=1), replace(CONTEXT, timezone=ZoneInfo("Europe/Paris")))
    zones.feed_roles([("table", row(zones=night))])
    evening = 1_768_935_600.0  # 2026-01-20, 20:00 in Paris
    out = zones.feed(*(seen(evening + s, foot=0.95) for s in (-2, -1, 0, 1)))
    assert phases(out) == [(evening, "a", "entered", "hall")]
    out = zones.feed(*(seen(evening + 36_000 + s, foot=0.95, track="b") for s in (-1, 0)))
    assert [(time - evening, phase) for time, _, phase, _ in phases(out)][-2:] == [
        (35_999.0, "entered"),
        (36_000.0, "left"),
    ]


@pytest.mark.parametrize("day", [date(2026, 1, 20), date(2026, 7, 20)])
def test_a_zone_counts_from_sunset_to_sunrise_in_winter_and_in_summer(day: date):
    paris = ZoneInfo("Europe/Paris")
    dark = {"hall": HALL["hall"] | {"hours": "sunset-sunrise"}}
    zones = Shard(Zones(inertia=1), replace(CONTEXT, timezone=paris))
    zones.feed_roles([("table", row(zones=dark))])

    def is_told_at(hour: int, track: str) -> bool:
        at = datetime.combine(day, time(hour), paris).timestamp()
        return bool(phases(zones.feed(seen(at, foot=0.95, track=track))))

    assert not is_told_at(12, "a")
    assert is_told_at(20, "b") is (day.month == 1)
    assert is_told_at(23, "c")


@pytest.mark.parametrize("hours", ["sunset-sunset", "8-20", "sunrise", "20:00-sundown"])
def test_what_is_no_span_of_the_day_is_refused_with_the_remedy(hours: str):
    with pytest.raises(ValueError, match=r"sunset-sunrise|leave 'hours' out"):
        checked_hours(hours)


def mode(word, time):
    values = {"id": "site", "metric": "mode", "value": word}
    return ("site_mode", Row(id=f"m{time}", time=time, table="t", op="update", values=values))


def by_mode(restarts=False, **settings):
    area = Area("gate", SQUARE, modes=["surveillance", "away"])
    places = {"floor": [area], "ramp": [Area("dock", SQUARE)]}
    context = replace(CONTEXT, roles=("site_mode", "cameras"), zones=places)
    return Shard(Zones(**{"inertia": 1, "mode": "site_mode", **settings}), context, restarts)


def still(time, **more):
    return msgspec.structs.replace(seen(time, **more), still=True)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_zone_with_modes_counts_in_these_only(restarts):
    zones = by_mode(restarts)
    zones.feed_roles([mode("active", 0.0)])
    assert phases(zones.feed(seen(1.0), seen(2.0), seen(2.5, camera="dock"))) == [
        (2.5, "a", "entered", "ramp")
    ]
    zones.feed_roles([mode("away", 3.0)])
    assert phases(zones.feed(seen(4.0))) == [(4.0, "a", "entered", "floor")]
    zones.feed_roles([mode("surveillance", 5.0)])
    assert phases(zones.feed(seen(6.0))) == []
    zones.feed_roles([mode("active", 7.0)])
    assert phases(zones.feed(seen(8.0))) == [(8.0, "a", "left", "floor")]


def test_until_a_mode_is_known_a_zone_with_modes_counts():
    assert phases(by_mode().feed(seen(1.0))) == [(1.0, "a", "entered", "floor")]


@pytest.mark.parametrize("restarts", [False, True])
def test_who_stands_still_enters_as_the_mode_begins_and_leaves_as_it_ends(restarts):
    zones = by_mode(restarts, inertia=3, stay="2s")
    zones.feed_roles([mode("active", 0.0)])
    zones.feed(seen(1.0), still(12.0))
    assert phases(zones.feed_roles([mode("surveillance", 60.0)])) == []
    assert phases(zones.wait_until(70.0)) == [(62.0, "a", "entered", "floor")]
    assert phases(zones.feed_roles([mode("active", 90.0)])) == [(90.0, "a", "left", "floor")]
    zones.feed_roles([mode("surveillance", 120.0)])
    again = zones.wait_until(130.0)
    assert phases(again) == [(122.0, "a", "entered", "floor")]
    assert again[0].id != "a@12/floor/entered"
    assert phases(zones.feed(seen(140.0, phase="end"))) == [(140.0, "a", "left", "floor")]
    assert zones.logic.snapshot()[0] == []


@pytest.mark.parametrize("restarts", [False, True])
def test_who_stands_still_enters_as_the_hours_begin_and_leaves_as_they_end(restarts):
    night = {"hall": HALL["hall"] | {"hours": "20:00-06:00"}}
    zones = Shard(Zones(), replace(CONTEXT, timezone=ZoneInfo("Europe/Paris")), restarts)
    zones.feed_roles([("table", row(zones=night))])
    evening = 1_768_935_600.0  # 2026-01-20, 20:00 in Paris
    zones.feed(*(seen(evening - 100 + s, foot=0.95) for s in (0, 1)))
    assert phases(zones.feed(still(evening - 90, foot=0.95))) == []
    out = zones.wait_until(evening + 40_000)
    assert [(time - evening, phase) for time, _, phase, _ in phases(out)] == [
        (0.0, "entered"),
        (36_000.0, "left"),
    ]


def test_what_is_drawn_around_one_who_stands_still_he_enters_at_once():
    zones = shard()
    zones.feed(still(1.0, foot=0.95))
    assert phases(zones.feed_roles([("table", row(zones=HALL))])) == [(1.0, "a", "entered", "hall")]
    assert phases(zones.feed_roles([("table", row())])) == [(1.0, "a", "left", "hall")]


def test_the_state_before_modes_is_taken_over():
    zones = shard()
    zones.feed_roles([("table", row(zones=HALL))])
    zones.feed(seen(0.0, foot=0.95))
    visitors, drawn, _ = zones.logic.snapshot()
    newer = shard()
    newer.logic.restore(decode(encode((visitors, drawn)), object), 3)
    assert phases(newer.feed(seen(1.0, foot=0.1))) == [(1.0, "a", "left", "hall")]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Santiago", "Asia/Kathmandu"])
@pytest.mark.parametrize("hours", ["20:00-06:00", "02:30-03:30", "sunset-sunrise", "00:00-24:00"])
def test_between_two_edges_hours_do_not_change(zone: str, hours: str):
    clock = Hours(ZoneInfo(zone), None)
    for start in (date(2026, 3, 28), date(2026, 9, 5), date(2026, 10, 24)):
        at = datetime.combine(start, time(1), ZoneInfo(zone)).timestamp()
        end = at + 2 * 86_400
        while at < end:
            edge = clock.next_edge(hours, at)
            assert at < edge
            shown = {clock.show(hours, at + (edge - 1 - at) * part / 50) for part in range(51)}
            assert len(shown) == 1, (at, edge)
            at = edge
