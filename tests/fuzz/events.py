"""An event of each kind with every field, to begin with."""

from typing import Any

import msgspec

from operators.events import (
    AlarmTransition,
    DeadLetter,
    Detection,
    Event,
    Frame,
    Message,
    Occurrence,
    Reading,
    Row,
    Summary,
)

T = 1772366400.25
_LABELS = {"room": "attic", "floor": "2"}

SOME: list[Event] = [
    Reading(id="r1", time=T, subject="rack 1", metric="temperature", value=21.5, unit="°C",
    labels=_LABELS, topic="a",
            raw="21.5"),
    Reading(id="r2", time=T, subject="door#1", metric="contact", value=None, text="ajar",
    quality="bad"),
    Summary(
        id="s", time=T + 60, start=T, subject="rack 1", metric="temperature", values={"mean": 21.5,
        "max": 22.0}, unit="°C",
        quality="stale", labels=_LABELS,
    ),
    Occurrence(
        id="o", time=T, subject="button", type="button_pressed", source="z2m", topic="a/b",
        labels=_LABELS,
        data={"action": "single", "n": 1, "deep": {"list": [1, None, True, "é"]}},
    ),
    Frame(id="f", time=T, subject="door", width=640, height=480, jpeg=b"\xff\xd8", picture="t/0/1",
    labels=_LABELS),
    Detection(
        id="d", time=T, subject="door", class_="person", score=0.9, box=(0.1, 0.2, 0.3, 0.4),
        track="7", phase="began",
        in_zone="gate", frame="f", labels=_LABELS,
    ),
    AlarmTransition(
        id="a", time=T, recorded=T + 1, rule="f/hot", alarm="hot", subject="rack 1", occ=1, seq=2,
        event="activated",
        change="raised", state="unacked", isa="B", flags=["active"], before=["x"],
        severity="major", priority="high", value=31.0,
        unit="°C", limit=30.0, reason="reading", annunciate=True, rule_hash="h",
        metric="temperature", page="p", message="hot",
        response="cool", labels=_LABELS, evidence={"id": "r1"}, user="ann", comment="c",
        until=T + 9, run="x",
    ),
    Message(id="m", time=T, topic="zigbee2mqtt/rack", payload=b'{"temperature": 21.5}',
    retained=True, redelivered=True,
            labels=_LABELS),
    Row(id="w", time=T, table="ha.states", op="update", values={"state": "21.5", "n": 1,
    "none": None}, labels=_LABELS),
    DeadLetter(id="l", time=T, flow="f", step="f/s/decode", reason="bad_json", detail="no",
    origin="a/b", payload=b"{"),
]  # fmt: skip


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set()


KEYS = sorted(set().union(*(_keys(msgspec.to_builtins(event)) for event in SOME)))
