"""Home Assistant's MQTT discovery: retained messages that make entities of signals and alarms.

Source: home-assistant.io, "MQTT" (discovery topic, discovery payload, birth and last will), "MQTT
Sensor", "MQTT binary sensor".
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from connectors.mqtt.device_classes import BINARY, CLOSED_IS_ONE, sensor_of
from operators.events import AlarmTransition, Event, Reading, Summary
from operators.model import two_state
from operators.model.fields import field, signal_of, text

LONGEST_STATE = 255
"""Home Assistant's states have at most so many characters."""
MOST_SIGNALS = 50_000
_NO_TOPIC = str.maketrans("+#\0", "___")


class Announcement(NamedTuple):
    """One configuration message, to be retained."""

    topic: str
    payload: bytes


class Entity(NamedTuple):
    """An entity: its kind in Home Assistant, its identity, its name, and its own settings."""

    component: str
    key: tuple[str, ...]
    name: str
    settings: dict[str, Any]


class Discovery:
    """Announces the entities of one sink, each once until `forget`. One user, one thread."""

    def __init__(self, prefix: str, owner: str, status_topic: str) -> None:
        """`owner` tells this sink's entities from others'; `status_topic` says if it is there."""
        self.birth_topic = f"{prefix}/status"
        self.status_topic = status_topic
        self._prefix = prefix
        self._owner = owner
        self._announced: dict[tuple[str, ...], Announcement] = {}
        self._signals: set[tuple[str, ...]] = set()
        self._topics: dict[str, tuple[str, ...]] = {}

    def of(self, event: Event, topic: str) -> list[Announcement]:
        """Messages to publish before this event goes to `topic`; mostly none.

        Raises `ValueError` for a topic of another entity.
        """
        signal = _signal(event)
        if signal is None:
            return []
        owner = self._topics.setdefault(topic, signal)
        if owner != signal:
            raise ValueError(
                f"{' '.join(signal)} and {' '.join(owner)} are published to one topic; Home"
                " Assistant needs one for each: put {subject} and {metric} or {alarm} into"
                " 'topic', or leave it out"
            )
        if signal in self._signals:
            return []
        if len(self._topics) > MOST_SIGNALS:
            self._topics.clear()
            self.forget()
        new = []
        for entity in _entities(event):
            key = (entity.component, *entity.key)
            if key not in self._announced:
                self._announced[key] = self._announcement(event, entity, topic)
                new.append(self._announced[key])
        if new:
            self._signals.add(signal)
        return new

    def all(self) -> list[Announcement]:
        """Everything that was announced, for a Home Assistant that was just born."""
        return list(self._announced.values())

    def forget(self) -> None:
        """Announce everything anew: the broker may have lost what it had."""
        self._announced.clear()
        self._signals.clear()

    def _announcement(self, event: Any, entity: Entity, topic: str) -> Announcement:
        unique = self._id(*entity.key)
        device: dict[str, Any] = {
            "identifiers": [self._id(event.subject)],
            "name": event.subject,
            "manufacturer": "Vigie",
            "model": self._owner,
        }
        if area := event.labels.get("area"):
            device["suggested_area"] = area
        config = {
            "name": entity.name,
            "unique_id": unique,
            "state_topic": topic,
            "availability_topic": self.status_topic,
            "device": device,
            "origin": {"name": "Vigie"},
            **entity.settings,
        }
        if "json_attributes_template" in entity.settings:
            config["json_attributes_topic"] = topic
        return Announcement(
            f"{self._prefix}/{entity.component}/{unique}/config", msgspec.json.encode(config)
        )

    def _id(self, *parts: str) -> str:
        """Letters, digits, `_` and `-` only, and different for different parts."""
        exact = "\0".join((self._owner, *parts))
        words = re.sub(r"[^A-Za-z0-9]+", "_", "_".join((self._owner, *parts)))[:100].strip("_")
        return f"{words}_{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


def own_topic(base: str, event: Event) -> str:
    """The topic of an event if the definition names none: by signal, alarm or occurrence type."""
    subject = text(field(event, "subject")).translate(_NO_TOPIC)
    if isinstance(event, AlarmTransition):
        return "/".join((base, subject, "alarm", *_alarm_of(event)))
    name = signal_of(event)[1].translate(_NO_TOPIC)
    return (
        f"{base}/{subject}/{name}/{'_'.join(event.values)}"
        if isinstance(event, Summary)
        else f"{base}/{subject}/{name}"
    )


def _alarm_of(event: AlarmTransition) -> tuple[str, ...]:
    """Its name, and which of several it is: the row of a rule, the metric of a further signal."""
    return (event.alarm, *event.rule.translate(_NO_TOPIC).split("/")[2:])


def _signal(event: Event) -> tuple[str, ...] | None:
    """The identity of an entity; the kind of a value belongs to it, for it decides its kind."""
    if isinstance(event, AlarmTransition):
        return ("alarm", event.subject, *_alarm_of(event))
    if isinstance(event, Summary):
        return ("summary", event.subject, event.metric, *event.values)
    if isinstance(event, Reading):
        return (event.subject, event.metric)
    return None


def _entities(event: Event) -> Iterator[Entity]:
    if isinstance(event, AlarmTransition):
        yield _alarm(event)
    elif isinstance(event, Summary):
        for statistic in event.values:
            yield _statistic(event, statistic)
    elif isinstance(event, Reading):
        entity = _reading(event)
        if entity is not None:
            yield entity


def _alarm(event: AlarmTransition) -> Entity:
    return Entity(
        "binary_sensor",
        (event.subject, *_alarm_of(event), "alarm"),
        f"Alarm {_title(' '.join(_alarm_of(event)))}",
        {
            "device_class": "problem",
            "value_template": (
                "{{ 'ON' if 'active' in (value_json.flags | default([])) else 'OFF' }}"
            ),
            # An attribute may not be called state.
            "json_attributes_template": (
                "{{ dict(value_json, alarm_state=value_json.state) | tojson }}"
            ),
        },
    )


def _statistic(event: Summary, statistic: str) -> Entity:
    unit = None if statistic == "count" else event.unit
    device_class, unit, _ = sensor_of(event.metric, unit)
    settings = {
        "device_class": device_class,
        "unit_of_measurement": unit,
        # Energy, water and gas of a span are no running totals, and those classes take no
        # measurements.
        "state_class": None if device_class in ("energy", "water", "gas") else "measurement",
        "value_template": f"{{{{ value_json['values']['{statistic}'] | default(none) }}}}",
    }
    name = f"{_title(event.metric)} {statistic}"
    return Entity("sensor", (event.subject, event.metric, statistic), name, _given(settings))


def _reading(event: Reading) -> Entity | None:
    key = (event.subject, event.metric)
    name = _title(event.metric)
    if _is_two_state(event):
        return Entity("binary_sensor", key, name, _two_state(event.metric))
    if event.value is not None or event.unit is not None:
        device_class, unit, state_class = sensor_of(event.metric, event.unit)
        settings = {
            "device_class": device_class,
            "unit_of_measurement": unit,
            "state_class": state_class,
            "value_template": "{{ value_json.value | default(none) }}",
        }
        return Entity("sensor", key, name, _given(settings))
    if event.text and event.quality != "bad":
        shown = (
            "{{ (value_json.text | default(value_json.value) | default(none) |"
            f" string)[:{LONGEST_STATE}] }}}}"
        )
        return Entity("sensor", key, name, {"value_template": shown})
    return None


def _is_two_state(event: Reading) -> bool:
    if two_state.word(event.metric, 0.0) is None or event.value not in (None, 0.0, 1.0):
        return False
    return event.value is not None or event.metric != "state" or not event.text


def _two_state(metric: str) -> dict[str, Any]:
    on, off = ("OFF", "ON") if metric in CLOSED_IS_ONE else ("ON", "OFF")
    settings = {
        "device_class": BINARY.get(metric),
        "value_template": (
            f"{{{{ none if value_json.value is not defined else '{on}' if value_json.value == 1"
            f" else '{off}' }}}}"
        ),
    }
    return _given(settings)


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if value is not None}


def _title(name: str) -> str:
    return name.replace("_", " ").strip().capitalize() or name
