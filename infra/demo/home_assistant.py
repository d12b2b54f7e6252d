"""Simulated Home Assistant: its recorder's rows for the server room, committed every second.

The rack's temperature wanders from 24 to 33 °C in eight minutes, so that it is above 30 °C for more
than two of them.
"""

import json
import math
import random
import time
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import pymysql

from infra.demo.ledger import Ledger


class Entity(NamedTuple):
    """An entity of Home Assistant; `metric` is what its state becomes, None if no flow uses it."""

    id: str
    metric: str | None
    attributes: Mapping[str, str]


def _entity(
    entity_id: str, metric: str | None, device_class: str, name: str, unit: str | None = None
) -> Entity:
    measured = {"state_class": "measurement", "unit_of_measurement": unit} if unit else {}
    return Entity(
        entity_id, metric, {**measured, "device_class": device_class, "friendly_name": name}
    )


TEMPERATURE = _entity(
    "sensor.server_room_rack_temperature", "temperature", "temperature", "Rack temperature", "°C"
)
HUMIDITY = _entity(
    "sensor.server_room_humidity", "humidity", "humidity", "Server room humidity", "%"
)
MOTION = _entity("binary_sensor.server_room_motion", "motion", "motion", "Server room motion")
KITCHEN = _entity("sensor.kitchen_temperature", None, "temperature", "Kitchen temperature", "°C")
ENTITIES = (TEMPERATURE, HUMIDITY, MOTION, KITCHEN)

INSERT_STATE = (
    "INSERT INTO states (state, last_updated_ts, last_reported_ts, old_state_id, attributes_id,"
    " metadata_id) VALUES (%s, %s, %s, %s, %s, %s)"
)


class HomeAssistant:
    """Writes a row when a state changes, as the recorder does."""

    def __init__(self, options: Mapping[str, Any], ledger: Ledger, seed: int = 1) -> None:
        """`options` are those of `pymysql.connect`."""
        self._ledger = ledger
        self._random = random.Random(seed)  # noqa: S311
        self._link = pymysql.connect(**options)
        self._states: dict[str, tuple[str, int]] = {}
        self._keys = {entity.id: self._announce(entity) for entity in ENTITIES}
        self._link.commit()

    def close(self) -> None:
        """Disconnect."""
        self._link.close()

    def tick(self, at: float) -> None:
        """Make the rows of the second `at` and commit them."""
        second = round(at)
        with self._link.cursor() as cursor:
            if second % 2 == 0:
                warm = 28.5 - 4.5 * math.cos(2 * math.pi * (at + 130) / 480)
                self._write(cursor, TEMPERATURE, f"{warm + self._random.uniform(-0.08, 0.08):.2f}")
            if second % 5 == 1:
                self._write(
                    cursor,
                    HUMIDITY,
                    f"{45 + 6 * math.sin(at / 200) + self._random.uniform(-0.3, 0.3):.1f}",
                )
            if second % 60 in (15, 24):
                self._write(cursor, MOTION, "on" if second % 60 == 15 else "off")
            if second % 7 == 0:
                self._write(cursor, KITCHEN, f"{21 + self._random.uniform(-0.5, 0.5):.1f}")
        self._link.commit()

    def _announce(self, entity: Entity) -> tuple[int, int]:
        """Ids of the entity's rows in states_meta and state_attributes."""
        attributes = json.dumps(entity.attributes, ensure_ascii=False, separators=(",", ":"))
        with self._link.cursor() as cursor:
            cursor.execute("INSERT INTO states_meta (entity_id) VALUES (%s)", (entity.id,))
            metadata_id = cursor.lastrowid
            row = (zlib.crc32(attributes.encode()), attributes)
            cursor.execute("INSERT INTO state_attributes (hash, shared_attrs) VALUES (%s, %s)", row)
            return metadata_id, cursor.lastrowid

    def _write(self, cursor: Any, entity: Entity, state: str) -> None:
        before, old_state_id = self._states.get(entity.id, ("", None))
        if state == before:
            return
        metadata_id, attributes_id = self._keys[entity.id]
        now = time.time()
        cursor.execute(INSERT_STATE, (state, now, now, old_state_id, attributes_id, metadata_id))
        self._states[entity.id] = (state, cursor.lastrowid)
        if entity.metric:
            value = {"on": 1.0, "off": 0.0}.get(state)
            self._ledger.add(entity.id, {entity.metric: float(state) if value is None else value})
