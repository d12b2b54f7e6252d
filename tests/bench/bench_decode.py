"""Readings per CPU-second of the decode step: `python -m tests.bench.bench_decode`. The best of
five runs counts.
"""

import json
import time

from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import Event, Message, Row

T = 1772366400.0
COUNT = 20_000
CONTEXT = StepContext(flow="bench", step="bench/decode")


def speed(codec: str, events: list[Event]) -> float:
    """Readings per CPU-second, in batches of 500 events."""
    best = 0.0
    for _ in range(5):
        decoder = Decode.model_validate(codec).logic(CONTEXT)
        started = time.process_time()
        made = sum(
            len(decoder.on_batch(events[i : i + 500], Now(T, T)))
            for i in range(0, len(events), 500)
        )
        best = max(best, made / (time.process_time() - started))
        assert not decoder.errors
    return best


def zigbee() -> list[Event]:
    payloads = [
        json.dumps(
            {
                "battery": 97,
                "humidity": 54 + n / 10,
                "linkquality": 120,
                "power": n,
                "temperature": 21.5,
                "voltage": 2995,
            }
        )
        for n in range(100)
    ]
    return [
        Message(
            id=f"m{n}",
            time=T + n / 100,
            topic=f"zigbee2mqtt/device {n % 200}",
            payload=payloads[n % 100].encode(),
        )
        for n in range(COUNT)
    ]


def rows() -> list[Event]:
    made: list[Event] = []
    for n in range(COUNT):
        shared = (
            '{"device_class": "temperature", "unit_of_measurement": "°C", "friendly_name": "Room'
            f' {n % 300}"}}'
        )
        values = {
            "state_id": n,
            "entity_id": f"sensor.room_{n % 300}",
            "state": f"{20 + n % 100 / 10}",
        }
        values |= {"last_updated_ts": T + n / 100, "metadata_id": n % 300, "shared_attrs": shared}
        made.append(
            Row(id=f"r{n}", time=T, table="homeassistant.states", op="insert", values=values)
        )
    return made


def main() -> None:
    for codec, events in (
        ("zigbee2mqtt", zigbee()),
        ("auto", zigbee()),
        ("home_assistant_recorder", rows()),
    ):
        print(
            f"{codec:26}{type(events[0]).__name__:10}{speed(codec, events):12,.0f} readings per"
            " CPU-second"
        )


if __name__ == "__main__":
    main()
