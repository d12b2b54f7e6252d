"""One case of the corpus: a payload, and the readings, events or dead letter that must come of it.

A case is a JSON object on one line: `name`, `dialect`, `topic`, `payload` (or `payload_b64`),
`retain`, `received`, and `expect` with `readings`, `events` and `dead_letter`. It is decoded with
`decode: auto`, or with what its `as` names.
"""

import base64
import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import Message, Occurrence, Reading

Case = dict[str, Any]
DATA = Path(__file__).parent.parent / "data"
PUBLIC = DATA / "corpus_public.jsonl"
OWN = DATA / "corpus_own.jsonl"
_NAMES_IN_PUBLIC = {
    "z2m": "zigbee2mqtt", "ha_statestream": "home_assistant_statestream",
    "ha_discovery": "home_assistant_statestream",
    "ha_recorder": "home_assistant_recorder", "shelly_gen1": "shelly", "shelly_gen2": "shelly",
    "pir": "pir_envelope",
    "onvif_mqtt": "onvif", "generic": "json",
}  # fmt: skip
TOLERANCE = 0.001


def load(path: Path) -> list[Case]:
    return [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
    ]


def dialect_of(case: Case) -> str:
    """The dialect of a case by its name in `decode: {as: …}`."""
    return _NAMES_IN_PUBLIC.get(case["dialect"], case["dialect"])


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def payload(case: Case) -> bytes:
    if "payload" in case:
        return case["payload"].encode("utf-8", "surrogatepass")
    return base64.b64decode(case["payload_b64"], validate=True)


def message(case: Case) -> Message:
    received = _epoch(case["received"])
    return Message(
        id="m", time=received, topic=case["topic"], payload=payload(case), retained=case["retain"]
    )


def problems(case: Case) -> list[str]:
    """What is wrong with the decoding of a case, one sentence each; empty when all is as
    expected.
    """
    logic = Decode.model_validate(case.get("as", "auto")).logic(
        StepContext(flow="corpus", step="corpus/decode")
    )
    received = _epoch(case["received"])
    events = logic.on_batch([message(case)], Now(received, received))
    expect = case["expect"]
    found: list[str] = []
    letter = logic.errors[0].reason if logic.errors else None
    if letter != expect["dead_letter"]:
        detail = f" ({logic.errors[0].detail})" if logic.errors else ""
        found.append(f"dead letter: expected {expect['dead_letter']}, got {letter}{detail}")
    if logic.counts.get("decoder_failed"):
        found.append("the decoder failed")
    found += _compare_readings(
        expect["readings"], [e for e in events if isinstance(e, Reading)], received
    )
    found += _compare_events(
        expect["events"], [e for e in events if isinstance(e, Occurrence)], received
    )
    if len({e.id for e in events}) != len(events):
        found.append(f"ids are not unique: {[e.id for e in events]}")
    return found


def _near(expected: float | None, got: float | None) -> bool:
    if expected is None or got is None:
        return expected is got
    return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-9)


def _same_time(expected: str | None, got: float, received: float) -> bool:
    return got == received if expected is None else abs(got - _epoch(expected)) <= TOLERANCE


def _compare_readings(expected: list[Case], got: list[Reading], received: float) -> list[str]:
    left = list(got)
    found = []
    for want in expected:
        match = next(
            (
                r
                for r in left
                if (r.subject, r.metric) == (want["subject"], want["metric"])
                and _same_time(want["time"], r.time, received)
            ),
            None,
        )
        if match is None:
            found.append(f"missing {want}")
            continue
        left.remove(match)
        same = (match.text, match.unit, match.quality) == (
            want["text"],
            want["unit"],
            want["quality"],
        )
        if not same or not _near(want["value"], match.value):
            found.append(f"expected {want}, got {match}")
    return found + [f"not expected: {reading}" for reading in left]


def _compare_events(expected: list[Case], got: list[Occurrence], received: float) -> list[str]:
    left = list(got)
    found = []
    for want in expected:
        match = next(
            (
                e
                for e in left
                if (e.subject, e.type) == (want["device"], want["type"])
                and _same_time(want["time"], e.time, received)
                and all(
                    key in e.data and e.data[key] == value for key, value in want["data"].items()
                )
            ),
            None,
        )
        if match is None:
            found.append(f"missing {want}")
        else:
            left.remove(match)
    return found + [f"not expected: {event}" for event in left]
