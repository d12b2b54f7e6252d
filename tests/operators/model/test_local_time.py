"""The site's clock: what it shows around its leaps, and the days and weeks that it tells."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.alarms.engine.schedule import DAYS, WeeklySchedule
from operators.model.local_time import Grid, instants

PARIS = ZoneInfo("Europe/Paris")
ZONES = [
    ZoneInfo(name)
    for name in ("Europe/Paris", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "UTC")
]
LEAPS_2026 = {
    "Europe/Paris": ("2026-03-29T02:00", "2026-10-25T03:00"),
    "America/Havana": ("2026-03-08T00:00", "2026-11-01T01:00"),
    "Asia/Beirut": ("2026-03-29T00:00", "2026-10-25T00:00"),
    "Australia/Lord_Howe": ("2026-10-04T02:00", "2026-04-05T02:00"),
    "UTC": ("2026-03-29T02:00", "2026-10-25T03:00"),
}


def at(text: str, zone: ZoneInfo = PARIS) -> float:
    """An instant as the site's clock, or a text with an offset, tells it."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()


def test_a_repeated_time_is_two_instants_and_a_skipped_one_is_the_leap() -> None:
    first, second = instants(datetime(2026, 10, 25, 2, 15), PARIS)
    assert (first, second) == (at("2026-10-25T02:15:00+02:00"), at("2026-10-25T02:15:00+01:00"))
    assert instants(datetime(2026, 3, 29, 2, 30), PARIS) == (at("2026-03-29T03:00:00+02:00"),)
    assert instants(datetime(2026, 3, 29, 3, 30), PARIS) == (at("2026-03-29T03:30"),)


@pytest.mark.parametrize(
    ("every", "inside", "start", "end"),
    [
        ("1d", "2026-03-29T12:00", "2026-03-29T00:00", "2026-03-30T00:00"),
        ("1d", "2026-10-25T23:59", "2026-10-25T00:00", "2026-10-26T00:00"),
        ("1w", "2026-11-29T23:59", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("1w", "2026-11-30T00:00", "2026-11-30T00:00", "2026-12-07T00:00"),
        ("12h", "2026-10-25T04:00", "2026-10-25T00:00", "2026-10-25T12:00"),
        ("2h", "2026-03-29T03:30", "2026-03-29T03:00", "2026-03-29T04:00"),
        ("1h", "2026-10-25T02:15:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00"),
    ],
)
def test_days_and_weeks_are_those_of_the_sites_clock(
    every: str, inside: str, start: str, end: str
) -> None:
    grid = Grid({"1h": 3600, "2h": 7200, "12h": 43200, "1d": 86400, "1w": 604800}[every], PARIS)
    number = grid.number(at(inside))
    assert (grid.start(number), grid.start(number + 1)) == (at(start), at(end))


def test_a_day_of_the_change_has_23_or_25_hours() -> None:
    grid = Grid(86400, PARIS)
    for day, hours in (("2026-03-29T12:00", 23), ("2026-10-25T12:00", 25), ("2026-07-01", 24)):
        number = grid.number(at(day))
        assert grid.start(number + 1) - grid.start(number) == hours * 3600


def test_hours_begin_as_the_clock_shows_them_where_it_is_half_an_hour_off() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    grid = Grid(3600, kolkata)
    assert grid.start(grid.number(at("2026-06-01T09:40", kolkata))) == at("2026-06-01T09", kolkata)


@settings(max_examples=200)
@given(
    zone=st.sampled_from(ZONES),
    every=st.sampled_from([900, 3600, 5400, 7200, 43200, 86400, 172800, 604800, 1000, 25200]),
    leap=st.integers(0, 1),
    away=st.lists(st.floats(-90_000, 90_000), min_size=2, max_size=2),
)
def test_the_parts_of_time_follow_each_other_without_gap_or_overlap(
    zone: ZoneInfo, every: float, leap: int, away: list[float]
) -> None:
    middle = at(LEAPS_2026[zone.key][leap], zone)
    grid, earlier, later = Grid(every, zone), *(middle + by for by in sorted(away))
    assert grid.number(earlier) <= grid.number(later)
    for moment in (earlier, later):
        number = Grid(every, zone).number(moment)
        assert grid.start(number) <= moment < grid.start(number + 1)
        assert grid.number(grid.start(number)) == number or grid.start(number) == grid.start(
            number + 1
        )


@pytest.mark.slow
@settings(max_examples=150)
@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(0, 95),
    length=st.integers(1, 95),
    days=st.none() | st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True),
    leap=st.integers(0, 1),
)
def test_an_alarm_is_armed_while_the_clock_shows_an_armed_time_and_wakes_as_that_changes(
    zone: ZoneInfo, start: int, length: int, days: list[str] | None, leap: int
) -> None:
    def clock(quarters: int) -> str:
        return f"{quarters // 4 % 24:02}:{quarters % 4 * 15:02}"

    schedule = WeeklySchedule(f"{clock(start)}-{clock(start + length)}", days, zone)
    middle = at(LEAPS_2026[zone.key][leap], zone)
    began = math.floor((middle - 90_000) / 900) * 900.0
    armed, edge = schedule.armed(began), schedule.next_edge(began)
    for n in range(1, 200):
        moment = began + n * 900
        shown = datetime.fromtimestamp(moment, zone)
        quarter = shown.hour * 4 + shown.minute // 15
        today = (quarter - start) % 96 < length
        began_on = (shown.weekday() - (quarter < start)) % 7
        wanted = today and (days is None or DAYS[began_on] in days)
        assert (
            WeeklySchedule(f"{clock(start)}-{clock(start + length)}", days, zone).armed(moment)
            == schedule.armed(moment)
            == wanted
        )
        if wanted != armed:
            assert edge == moment
            armed, edge = wanted, schedule.next_edge(moment)
        else:
            assert edge > moment
