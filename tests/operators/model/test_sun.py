"""Sunrise and sunset, beside those of almanacs (to three minutes)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from operators.component import Location
from operators.model.sun import SunTimes, is_day, sun_times


@pytest.mark.parametrize(
    ("zone", "day", "rise", "sets"),
    [
        ("Europe/Berlin", date(2026, 6, 21), "04:43", "21:33"),
        ("Europe/Berlin", date(2026, 12, 21), "08:15", "15:54"),
        ("Australia/Sydney", date(2026, 1, 1), "05:48", "20:09"),
        ("America/New_York", date(2026, 9, 22), "06:43", "18:54"),
    ],
)
def test_the_sun_rises_and_sets_as_almanacs_say(zone: str, day: date, rise: str, sets: str) -> None:
    found = sun_times(day, ZoneInfo(zone))
    for minutes, said in zip(found, (rise, sets), strict=True):
        hour, minute = said.split(":")
        assert minutes == pytest.approx(int(hour) * 60 + int(minute), abs=3)


def test_at_the_pole_a_day_or_a_night_is_months_long() -> None:
    svalbard = ZoneInfo("Arctic/Longyearbyen")
    assert sun_times(date(2026, 6, 1), svalbard) == SunTimes(0, 1440)
    assert sun_times(date(2026, 12, 21), svalbard) == SunTimes(1440, 0)
    assert is_day(datetime(2026, 6, 1, 23, 59, tzinfo=svalbard).timestamp(), svalbard)
    assert not is_day(datetime(2026, 12, 21, 12, tzinfo=svalbard).timestamp(), svalbard)


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "Pacific/Kiritimati", "US/Eastern"])
def test_everywhere_the_sun_is_up_at_noon_of_an_equinox_and_down_at_midnight(zone: str) -> None:
    here = ZoneInfo(zone)
    assert is_day(datetime(2026, 3, 20, 12, tzinfo=here).timestamp(), here)
    assert not is_day(datetime(2026, 3, 20, 0, 0, tzinfo=here).timestamp(), here)


def test_a_site_that_says_where_it_is_has_the_sun_of_that_place() -> None:
    brest, day = Location(48.39, -4.49), date(2026, 1, 20)
    zone = ZoneInfo("Europe/Paris")
    city, here = sun_times(day, zone), sun_times(day, zone, brest)
    assert here.set - city.set == pytest.approx(29, abs=2)
    dusk = datetime(2026, 1, 20, 17, 40, tzinfo=zone).timestamp()
    assert (is_day(dusk, zone), is_day(dusk, zone, brest)) == (False, True)
