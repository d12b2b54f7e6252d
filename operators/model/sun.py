"""When the sun rises and sets at a site, by the equations of NOAA.

(Solar calculation details of the Global Monitoring Laboratory; exact to some two minutes between
the polar circles.)
"""

import importlib.resources
import math
import re
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from operators.component import Location

HORIZON = math.radians(-0.833)
"""Height of the sun's middle as its upper edge rises, with the air's refraction."""
WHOLE_DAY = 1440.0
_PLACE = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


class SunTimes(NamedTuple):
    """Sunrise and sunset of one day, in minutes of the site's clock.

    Where the sun does not set, 0 and 1440; where it does not rise, 1440 and 0.
    """

    rise: float
    set: float


@lru_cache(maxsize=64)
def sun_times(day: date, zone: ZoneInfo, location: Location | None = None) -> SunTimes:
    """Sunrise and sunset on a day, as the clocks of the zone show them.

    They are those of a location, or of the city that the zone is named after.
    """
    latitude, longitude = place_of(zone) if location is None else map(math.radians, location)
    midnight = datetime.combine(day, time(), zone)
    offset = (midnight + timedelta(hours=12)).utcoffset() or timedelta()
    found = []
    for side in (-1, 1):
        minutes = 720.0
        for _ in range(3):  # the sun's place at that time gives a better time
            tilt, fast = _sun(day, minutes - offset.total_seconds() / 60)
            cosine = (math.sin(HORIZON) - math.sin(latitude) * math.sin(tilt)) / (
                math.cos(latitude) * math.cos(tilt)
            )
            if cosine < -1:
                return SunTimes(0.0, WHOLE_DAY)
            if cosine > 1:
                return SunTimes(WHOLE_DAY, 0.0)
            noon = (
                720 - 4 * math.degrees(longitude) - fast + offset.total_seconds() / 60
            ) % WHOLE_DAY
            minutes = noon + side * 4 * math.degrees(math.acos(cosine))
        found.append(minutes)
    return SunTimes(*found)


def is_day(moment: float, zone: ZoneInfo, location: Location | None = None) -> bool:
    """Whether the sun is up at an instant (epoch seconds)."""
    clock = datetime.fromtimestamp(moment, zone)
    rise, sets = sun_times(clock.date(), zone, location)
    return rise <= clock.hour * 60 + clock.minute + clock.second / 60 < sets


def _sun(day: date, minutes: float) -> tuple[float, float]:
    """The sun's declination (radians), and by how many minutes a sundial is fast, at a UTC time."""
    part = 2 * math.pi / 365 * (day.timetuple().tm_yday - 1 + (minutes / 60 - 12) / 24)
    one, two, three = part, 2 * part, 3 * part
    fast = 229.18 * (
        0.000075
        + 0.001868 * math.cos(one)
        - 0.032077 * math.sin(one)
        - 0.014615 * math.cos(two)
        - 0.040849 * math.sin(two)
    )
    tilt = (
        0.006918
        - 0.399912 * math.cos(one)
        + 0.070257 * math.sin(one)
        - 0.006758 * math.cos(two)
        + 0.000907 * math.sin(two)
        - 0.002697 * math.cos(three)
        + 0.00148 * math.sin(three)
    )
    return tilt, fast


@cache
def place_of(zone: ZoneInfo) -> tuple[float, float]:
    """Latitude and longitude, in radians, of the city that a time zone is named after.

    A zone that is named after none, as UTC is, is taken to be on the equator.
    """
    if zone.key in (places := _places()):
        return places[zone.key]
    offset = datetime(2026, 1, 1, tzinfo=zone).utcoffset() or timedelta()
    return 0.0, math.radians(offset.total_seconds() / 240)


@cache
def _places() -> dict[str, tuple[float, float]]:
    table = importlib.resources.files("tzdata").joinpath("zoneinfo", "zone.tab")
    rows = [line.split("\t") for line in table.read_text("utf-8").splitlines()]
    return {row[2].strip(): _degrees(row[1]) for row in rows if len(row) > 2 and row[0].isalpha()}


def _degrees(text: str) -> tuple[float, float]:
    """`+4852+00220`, as that table has it."""
    if (found := _PLACE.fullmatch(text)) is None:
        raise ValueError(f"expected a place such as +4852+00220, got {text!r}")
    parts = [found.groups()[i : i + 4] for i in (0, 4)]
    latitude, longitude = (
        math.radians(
            float(f"{sign}1") * (int(whole) + int(minutes) / 60 + int(seconds or 0) / 3600)
        )
        for sign, whole, minutes, seconds in parts
    )
    return latitude, longitude
