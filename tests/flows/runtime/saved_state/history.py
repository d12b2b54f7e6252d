"""What happens at the site of `flow.yaml`: batches of events, one after the other."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from operators.events import Detection, Event, Message, Occurrence, Reading, Row

START = 1_772_366_400.0
BATCHES = 60
STEP = 4.0
"""Seconds from one batch to the next."""
ROOMS = {"hall": ("a", "b"), "attic": ("c", "d"), "yard": ("e",)}


class Given(msgspec.Struct):
    """Events that come in together from one source, at wall-clock time `wall`."""

    source: str
    wall: float
    events: list[Event]


def load(path: Path) -> list[Given]:
    """A history that `save` wrote."""
    return msgspec.json.Decoder(Given).decode_lines(path.read_bytes())


def save(path: Path, history: Iterable[Given]) -> None:
    """Write a history, one JSON line a batch."""
    path.write_bytes(msgspec.json.Encoder().encode_lines(history))


def make(seed: int = 1) -> list[Given]:
    """Tables first, then readings, payloads, detections and commands in turn, and silence."""
    chance = random.Random(seed)
    history = [*_tables()]
    for n in range(BATCHES):
        at = START + n * STEP
        history.append(Given("plain", at, list(_readings(chance, n, at))))
        history.append(Given("raw", at + 0.5, list(_payloads(chance, n, at))))
        history.append(Given("seen", at + 1, list(_detections(n, at))))
        if n % 7 == 6:
            history.append(Given("vigie_commands", at + 1.5, list(_commands(n, at + 1.5))))
    end = START + BATCHES * STEP
    for n in range(6):
        at = end + n * 30
        history.append(Given("plain", at, [_reading(f"z{n}", at, "e", "pressure", 1000 + n)]))
    return history


def _tables() -> Iterator[Given]:
    devices: list[Event] = [
        _row("devices", subject, room=room, priority="critical" if subject == "a" else "low")
        for room, subjects in ROOMS.items()
        for subject in subjects
    ]
    yield Given("devices", START, devices)
    rules: list[Event] = [
        _row("rules", "r1", subject="a", above=140, page="desk", enabled=True),
        _row("rules", "r2", subject="b", below=60, priority="high", enabled=True),
        _row("rules", "r3", subject="b", crosses=100, enabled=True),
    ]
    yield Given("rules", START, rules)


def _row(table: str, id: str, **values: object) -> Row:
    return Row(
        id=f"{table}/{id}", time=START, table=table, op="update", values={"id": id, **values}
    )


def _reading(
    id: str, time: float, subject: str, metric: str, value: float, unit: str | None = None
) -> Reading:
    return Reading(id=id, time=time, subject=subject, metric=metric, value=value, unit=unit)


def _readings(chance: random.Random, n: int, at: float) -> Iterator[Event]:
    for k, subject in enumerate("abcde"):
        if (n // 10 + k) % 5 == 0:
            continue  # a silent spell
        time = at - chance.random()
        value = 32 + 18 * chance.random() * (1 + (n // 6) % 2)
        yield _reading(f"t{n}{subject}", time, subject, "temperature", round(value, 2), "°C")
        if chance.random() < 0.3:
            yield _reading(f"m{n}{subject}", time, subject, "motion", float(chance.random() < 0.6))
        yield _reading(f"p{n}{subject}", time, subject, "power", 50 + 100 * chance.random(), "W")
    if n % 5 != 4:
        yield _reading(f"k{n}", at, "meter", "energy", (n * 3) % 100, "kWh")
    if n % 11 == 5:
        mode = "night" if n % 2 else "day"
        yield Reading(id=f"o{n}", time=at, subject="panel", metric="mode", text=mode)
        yield _reading(f"g{n}", at, "panel", "guard", n % 2)


def _payloads(chance: random.Random, n: int, at: float) -> Iterator[Event]:
    for device in ("probe", "plug"):
        topic = f"zigbee2mqtt/{device}"
        body = {"temperature": round(20 + 9 * chance.random(), 1), "humidity": 40 + n % 20}
        yield Message(id=f"x{n}{device}", time=at, topic=topic, payload=msgspec.json.encode(body))
    if n % 8 == 7:
        payload = b"offline" if n % 16 == 7 else b"online"
        yield Message(id=f"y{n}", time=at, topic="zigbee2mqtt/plug/availability", payload=payload)


def _detections(n: int, at: float) -> Iterator[Event]:
    for k in range(4):
        time = at + k / 4
        if n % 9 < 5:
            box = (0.05 + (4 * n + k) % 40 / 100, 0.5, 0.1, 0.3)
            yield Detection(
                id=f"d{n}.{k}", time=time, subject="gate", class_="person", score=0.9, box=box
            )
        box = (0.7, 0.1 + n % 3 / 100, 0.2, 0.2)
        yield Detection(id=f"c{n}.{k}", time=time, subject="gate", class_="car", score=0.8, box=box)


def _commands(n: int, at: float) -> Iterator[Event]:
    for alarm, subject, do in (
        ("overheated", "a", "ack"),
        ("overheated", "b", "shelve" if n % 2 else "unshelve"),
        ("intruder", "c", "ack"),
        ("market", "b", "suppress" if n % 4 else "unsuppress"),
    ):
        data = {"do": do, "alarm": alarm, "user": "anna", "comment": f"seen in {n}"}
        yield Occurrence(
            id=f"v{n}{alarm}{subject}", time=at, subject=subject, type="alarm_command", data=data
        )
