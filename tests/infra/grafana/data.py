"""What a site wrote in three days around the clock change of 25 October 2026 in Paris."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from operators.events import AlarmTransition, Event, Occurrence, Reading, Summary

PARIS = ZoneInfo("Europe/Paris")
FIRST = datetime(2026, 10, 24, tzinfo=PARIS).timestamp()
CHANGE = datetime(2026, 10, 25, tzinfo=PARIS).timestamp()
AFTER = datetime(2026, 10, 26, tzinfo=PARIS).timestamp()
LAST = datetime(2026, 10, 27, tzinfo=PARIS).timestamp()
HOUR = timedelta(hours=1).total_seconds()
ODD = 'l\'abri "nord", n° 1'
"""A subject with quotes in its name."""
SUBJECTS = ("rack", "door", ODD)
RULES = ("server_room/too_hot", 'server_room/l\'autre "règle"')


def hours() -> list[float]:
    return [FIRST + n * HOUR for n in range(round((LAST - FIRST) / HOUR))]


def readings() -> list[Event]:
    found: list[Event] = []
    for n, time in enumerate(hours()):
        for subject in SUBJECTS:
            for metric, value, unit in (("temperature", 20 + n % 12, "°C"), ("humidity", 50, "%")):
                name = f"{subject}/{metric}/{n}"
                found.append(
                    Reading(id=name, time=time, subject=subject, metric=metric, value=value,
                            unit=unit)
                )  # fmt: skip
        found.append(Reading(id=f"m{n}", time=time, subject="door", metric="motion", value=n % 2))
        found.append(Reading(id=f"p{n}", time=time, subject="rack", metric="temperature",
                             quality="bad", text="unavailable"))  # fmt: skip
    return found


def transitions() -> list[Event]:
    """One alarm every hour, of two rules in turn, each over after half an hour."""
    found: list[Event] = []
    for n, time in enumerate(hours()):
        rule = RULES[n % 2]
        known = {"rule": rule, "alarm": rule.rpartition("/")[2], "subject": SUBJECTS[n % 3],
                 "occ": n + 1, "priority": ("low", "high")[n % 2], "unit": "°C"}  # fmt: skip
        for seq, event, at, flags in (
            (2 * n + 1, "activated", time, ["active", "unacked"]),
            (2 * n + 2, "returned", time + HOUR / 2, []),
        ):
            found.append(
                AlarmTransition(
                    id=f"a{seq}", time=at, recorded=at, seq=seq, event=event, change=event,
                    state=event, isa="B", flags=flags, value=31.0, annunciate=event == "activated",
                    **known,
                )  # type: ignore[arg-type]
            )  # fmt: skip
    return found


def events() -> list[Event]:
    return [
        Occurrence(id=f"e{n}", time=time, subject=SUBJECTS[n % 3], type=("person", "car")[n % 2],
                   data={"zone": "it's"})
        for n, time in enumerate(hours())
    ]  # fmt: skip


def windows() -> list[Event]:
    """A constant kilowatt of each meter, so that an hour is a kilowatt-hour."""
    found: list[Event] = []
    for minute in range(round((LAST - FIRST) / 60)):
        time = FIRST + 60.0 * minute
        for subject in ("mains", ODD):
            found.append(
                Summary(id=f"w{subject}{minute}", time=time, start=time - 60, subject=subject,
                        metric="power", values={"mean": 1000.0, "max": 1500.0}, unit="W")
            )  # fmt: skip
        if minute % 60 == 0:
            found.append(Reading(id=f"s{minute}", time=time, subject="house", metric="surplus",
                                 value=-1000.0, unit="W"))  # fmt: skip
            found.append(
                Summary(id=f"t{minute}", time=time, start=time - 60, subject="room",
                        metric="temperature", values={"mean": 21.0}, unit="°C")
            )  # fmt: skip
    return found


def with_the_sun(events: Iterable[Event]) -> list[Event]:
    """The same, from nothing at midnight to twice as much at noon."""
    found: list[Event] = []
    for event in events:
        share = 1 - math.cos(2 * math.pi * (event.time - FIRST) / 86_400)
        if isinstance(event, Summary):
            values = {name: value * share for name, value in event.values.items()}
            found.append(msgspec.structs.replace(event, values=values))
        elif isinstance(event, Reading) and event.value is not None:
            found.append(msgspec.structs.replace(event, value=event.value * share))
    return found
