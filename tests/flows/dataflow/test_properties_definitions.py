"""The shipped definitions as a whole: where batches end, where a flow restarts and in which
order subjects arrive is all one.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import pytest

from flows.dataflow.plan import Plan
from operators.events import Message, Reading, Row
from tests.flows.dataflow.histories import T0, Arrival, plan_at, rows, shuffled

DEFINITIONS = Path(__file__).parents[3] / "flows" / "definitions"
HISTORIES, LONGEST = 60, 40
PROFILES = {"energy": "hardware"}
LATENESS = 5.0
NIGHT = 12.5 * 3600
"""From T0, a noon in winter, to a night, when people in the server room are an alarm."""


@cache
def plan(name: str) -> Plan:
    return plan_at(DEFINITIONS / f"{name}.yaml", PROFILES.get(name))


STATES: tuple[tuple[str, str | None, str | None, tuple[str, ...]], ...] = (
    (
        "sensor.server_room_temperature",
        "temperature",
        "°C",
        ("21.5", "29", "31", "35", "unavailable"),
    ),
    ("sensor.server_room_humidity", "humidity", "%", ("40", "66", "75", "unknown")),
    ("binary_sensor.server_room_motion", "motion", None, ("on", "off")),
    ("light.kitchen", None, None, ("on",)),
)


def _state(dice: Random, n: int, time: float) -> Arrival:
    entity, kind, unit, states = dice.choice(STATES)
    values = {
        "state_id": n, "entity_id": entity, "state": dice.choice(states),
        "shared_attrs": json.dumps({"unit_of_measurement": unit, "device_class": kind}),
        "last_updated_ts": NIGHT + time,
    }  # fmt: skip
    return "recorder", Row(
        id=f"states/{n}",
        time=NIGHT + time,
        table="homeassistant.states",
        op="insert",
        values=values,
    )


def _meter(dice: Random, n: int, time: float) -> Arrival:
    device = dice.choice(("solar", "mains", "living_room"))
    if dice.random() < 0.1:
        topic, body = f"zigbee2mqtt/{device}/availability", dice.choice(("online", "offline"))
    else:
        topic = f"zigbee2mqtt/{device}"
        body = json.dumps(
            {
                "power": dice.choice((-20, 150, 3000, 5600, 6500, 1e6)),
                "temperature": 21.5,
                "linkquality": 90,
            }
        )
    return "meters", Message(id=f"m{n}", time=time, topic=topic, payload=body.encode())


def _sensor(dice: Random, n: int, time: float) -> Arrival:
    body = {
        "event_id": f"e{dice.randint(0, n)}", "device_id": dice.choice(("pir-1", "mat-1")),
        "source": "pir", "type": "MOTION_DETECTED", "data": {"presence": dice.random() < 0.5},
        "timestamp": time,
    }  # fmt: skip
    raw = json.dumps(body) if dice.random() > 0.1 else "{broken"
    return "sensors", Message(
        id=f"m{n}", time=time, topic=f"sensor/{body['device_id']}", payload=raw.encode()
    )


def _quote(dice: Random, n: int, time: float) -> Arrival:
    if dice.random() < 0.17:
        row = {
            "id": dice.choice(("r1", "r2")), "page": "eur_usd", "enabled": dice.random() < 0.5,
            "subject": dice.choice(("EUR/USD", "*", "GBP/USD")), "above": dice.choice((1.0, 1.08,
            "x")),
            "deleted": dice.random() < 0.17,
        }  # fmt: skip
        return "rules", Row(id=f"w{n}", time=time, table="vigie.rules", op="update", values=row)
    price = dice.choice((1.07, 1.08, 1.09, None))
    subject = dice.choice(("EUR/USD", "GBP/USD"))
    return "quotes", Reading(
        id=f"q{n}",
        time=time,
        subject=subject,
        metric="price",
        value=price,
        quality="good" if price else "bad",
    )


def _archived(dice: Random, n: int, time: float) -> Arrival:
    return "measured", Reading(
        id=f"r{n}", time=time, subject=dice.choice("ab"), metric="power", value=float(n)
    )


MAKERS: dict[str, Callable[[Random, int, float], Arrival]] = {
    "server_room": _state, "energy": _meter, "bridge": _sensor, "alarms": _quote,
    "archive": _archived,
}  # fmt: skip


def some_history(name: str, dice: Random) -> list[Arrival]:
    made: list[Arrival] = []
    time = T0
    for n in range(dice.randint(1, LONGEST)):
        time += 0.001 + dice.choice((0.5, 1.0, 4.0, 10.0, 31.0, 61.0, 700.0))
        made.append(MAKERS[name](dice, n, time))
    return made


def differences(
    name: str, one: list[Arrival], other: list[Arrival], cuts: list[int], restarts: list[int]
) -> list[str]:
    plain, cut = rows(plan(name), one), rows(plan(name), other, cuts, restarts)
    return [f"- {row}" for row in plain if row not in cut] + [
        f"+ {row}" for row in cut if row not in plain
    ]


def places(dice: Random) -> list[int]:
    return [dice.randint(1, LONGEST) for _ in range(dice.randint(1, 8))]


@pytest.mark.parametrize("name", MAKERS)
def test_where_batches_end_and_where_the_flow_restarts_makes_no_difference(name: str) -> None:
    dice = Random(name)
    for _ in range(HISTORIES):
        history = some_history(name, dice)
        assert differences(name, history, history, places(dice), places(dice)) == []


@pytest.mark.parametrize("name", ["server_room", "bridge", "archive"])
def test_in_which_order_subjects_arrive_makes_no_difference(name: str) -> None:
    dice = Random(name)
    for _ in range(HISTORIES):
        history = some_history(name, dice)
        delays = [dice.uniform(0, LATENESS - 0.01) for _ in range(7)]
        assert differences(name, history, shuffled(history, delays), places(dice), []) == []


@pytest.mark.parametrize("name", MAKERS)
def test_a_history_reaches_the_sinks(name: str) -> None:
    dice = Random(name)
    assert any(rows(plan(name), some_history(name, dice)) for _ in range(10))
