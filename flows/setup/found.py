"""What speaks at a site: devices, what they measure and in which dialect, as they are heard."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from flows.setup.starter import Feed, Signals, mqtt_feed, recorder_feed
from operators.component import Now, StepContext
from operators.decoding.logic import DecodeLogic
from operators.decoding.recognition import by_shape, by_topic
from operators.events import Event, Message, Occurrence, Reading, Row
from operators.model import two_state

FILTERS = {"zigbee2mqtt": ("+", "+/availability")}
"""Dialect: what to subscribe to below its base, where that is not everything."""
SHORT = {
    "~": "base",
    "dev": "device",
    "stat_t": "state_topic",
    "mf": "manufacturer",
    "mdl": "model",
}
"""Home Assistant's abbreviations, as far as they matter here."""
MOST = 100_000


@dataclass
class Device:
    """One subject: its dialect, and for each metric its unit and last value as text."""

    dialect: str
    metrics: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    happened: set[str] = field(default_factory=set)
    said: str = ""


@dataclass
class Announced:
    """A device that Home Assistant was told of, by its name, and the topics of its states."""

    model: str
    topics: set[str] = field(default_factory=set)


class Found:
    """Gathers what is heard. `prefix` is that of Home Assistant's discovery topics."""

    def __init__(self, zone: ZoneInfo, prefix: str = "homeassistant") -> None:
        self.devices: dict[str, Device] = {}
        self.announced: dict[str, Announced] = {}
        self.topics: dict[str, Counter[str]] = {}
        self.unread: Counter[str] = Counter()
        self.messages = 0
        self.rows = 0
        self._metrics: dict[str, Signals] = {}
        self._prefix = f"{prefix}/"
        self._decode = DecodeLogic("auto", [], StepContext("discover", "discover", timezone=zone))

    def take(self, events: Iterable[Event]) -> None:
        """Take messages and rows as they come."""
        for event in events:
            if isinstance(event, Message):
                self.messages += 1
                if event.topic.startswith(self._prefix) and event.topic.endswith("/config"):
                    self._announce(event)
                else:
                    self._hear(event, self._dialect(event), event.topic)
            elif isinstance(event, Row):
                self.rows += 1
                self._hear(event, "home_assistant_recorder", None)

    def metrics(self) -> dict[str, Signals]:
        """What was measured, the metrics of most devices first."""
        return dict(sorted(self._metrics.items(), key=lambda one: -len(one[1].subjects)))

    def feeds(self) -> list[Feed]:
        """The sources of a flow that reads what was heard."""
        by_dialect: dict[str, list[str]] = {}
        for dialect, topics in sorted(self.topics.items()):
            by_dialect.setdefault(dialect, []).extend(_filters(dialect, topics))
        feeds = [mqtt_feed(name, topics, name) for name, topics in by_dialect.items()]
        return feeds + ([recorder_feed()] if self.rows else [])

    def silent(self) -> Iterator[tuple[str, Announced]]:
        """Announced devices none of whose topics was heard."""
        heard = {topic for topics in self.topics.values() for topic in topics} | set(self.unread)
        for name, device in sorted(self.announced.items()):
            if not device.topics & heard:
                yield name, device

    def _dialect(self, message: Message) -> str:
        known = by_topic(message.topic)
        if known is not None:
            return known[0]
        try:
            return by_shape(msgspec.json.decode(message.payload))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return by_shape(None)

    def _hear(self, event: Message | Row, dialect: str, topic: str | None) -> None:
        decoded = self._decode.on_batch([event], Now(event.time, event.time))
        self._decode.errors.clear()
        if not decoded:
            if topic is not None and len(self.unread) < MOST:
                self.unread[topic] += 1
            return
        if topic is not None:
            self.topics.setdefault(dialect, Counter())[topic] += 1
        for one in decoded:
            if isinstance(one, Reading):
                self._reading(one, dialect, topic)
            elif isinstance(one, Occurrence) and len(self.devices) < MOST:
                device = self.devices.setdefault(one.subject, Device(dialect))
                device.happened.add(one.type)

    def _reading(self, reading: Reading, dialect: str, topic: str | None) -> None:
        if reading.subject not in self.devices and len(self.devices) >= MOST:
            return
        device = self.devices.setdefault(reading.subject, Device(dialect, said=topic or ""))
        device.metrics[reading.metric] = (reading.unit, _shown(reading))
        signals = self._metrics.setdefault(reading.metric, Signals(reading.unit))
        signals.subjects.add(reading.subject)
        if reading.value is not None and reading.quality != "bad":
            signals.low = min(signals.low, reading.value)
            signals.high = max(signals.high, reading.value)

    def _announce(self, message: Message) -> None:
        try:
            config = msgspec.json.decode(message.payload)
        except msgspec.DecodeError:
            return
        if not isinstance(config, dict):
            return
        config = _spelt(config)
        device = _spelt(config.get("device"))
        parts = config.get("components") or config.get("cmps") or {}
        entities = (
            [config, *(_spelt(part) for part in parts.values())]
            if isinstance(parts, dict)
            else [config]
        )
        name = str(device.get("name") or config.get("name") or message.topic.split("/")[-2])
        if name not in self.announced and len(self.announced) >= MOST:
            return
        maker = " ".join(str(device[key]) for key in ("manufacturer", "model") if device.get(key))
        known = self.announced.setdefault(name, Announced(maker))
        base = str(config.get("base") or "")
        for entity in entities:
            topic = entity.get("state_topic")
            if isinstance(topic, str):
                known.topics.add(_whole(topic, base))


def _spelt(config: Any) -> dict[str, Any]:
    if not isinstance(config, dict):
        return {}
    return {SHORT.get(str(key), str(key)): value for key, value in config.items()}


def _whole(topic: str, base: str) -> str:
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _shown(reading: Reading) -> str:
    if reading.quality == "bad":
        return "bad"
    word = two_state.word(reading.metric, reading.value)
    if word is not None:
        return word
    if reading.value is not None:
        return f"{reading.value:g} {reading.unit or ''}".rstrip()
    return (reading.text or "")[:40]


def _filters(dialect: str, topics: Iterable[str]) -> list[str]:
    """Filters for the topics of one dialect: everything below their first levels."""
    below = FILTERS.get(dialect)
    found: list[str] = []
    for topic in sorted(topics):
        first, slash, _ = topic.partition("/")
        if not first.isprintable() or not first:
            first = "+"
        found += [f"{first}/{one}" for one in below or ("#",)] if slash else [first]
    return list(dict.fromkeys(found))
