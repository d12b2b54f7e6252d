"""A first definition for a site: what was found there, or what is usual, as text."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from operators.decoding.payloads.metrics import METRICS
from operators.model import two_state
from operators.model.units import UNITS

FILTER = re.compile(r"[A-Za-z][\w./+#@-]*")
WORDS = {"true", "false", "null", "yes", "no", "on", "off"}
LIMITS: Mapping[str, tuple[str, str, float, float, str]] = {
    "temperature": ("too_hot", "above", 30, 2, "Check the cooling."),
    "humidity": ("too_humid", "above", 70, 5, "Air the room, and look for water."),
    "carbon_dioxide": ("bad_air", "above", 1400, 200, "Air the room."),
    "battery": ("battery_low", "below", 15, 5, "Change the battery."),
    "power": ("overload", "above", 3000, 200, "Switch something off."),
}
"""Metric: name, condition and limit of its alarm, the way back, and what a person does."""
DANGERS = {
    "water_leak": "Close the water and go there.",
    "smoke": "Leave the building, and call the fire brigade.",
    "gas_alarm": "Air the room, and make no light.",
    "carbon_monoxide": "Leave the building, and call the fire brigade.",
}
"""Two-state metrics that are an alarm while they are on."""
OWN_LIMIT = 1.2
"""How far beyond what was seen the limit of any other metric is set."""


@dataclass
class Signals:
    """What was seen of one metric: its unit, how many subjects have it, and its span."""

    unit: str | None = None
    subjects: set[str] = field(default_factory=set)
    low: float = math.inf
    high: float = -math.inf


@dataclass(frozen=True)
class Feed:
    """One source of the flow: its kind and settings as YAML, and the dialect that it speaks."""

    name: str
    source: str
    dialect: str | None


SIMULATED = Feed(
    "simulated",
    "simulate: {every: 2s, signals: {rack/temperature: {random: 20..33 °C}}}",
    None,
)
"""A source for a site that has none yet: a rack that is now and then too hot."""


def quoted(text: str) -> str:
    """A text as YAML has it, in quotes where it needs them."""
    plain = FILTER.fullmatch(text) and text.lower() not in WORDS
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mqtt_feed(name: str, topics: list[str], dialect: str) -> Feed:
    """A source of an MQTT broker."""
    listed = ", ".join(quoted(topic) for topic in topics)
    return Feed(name, f"mqtt: {{topics: [{listed}]}}", dialect)


def recorder_feed() -> Feed:
    """Home Assistant's recorder as a source."""
    tables = "states, states_meta, state_attributes"
    return Feed(
        "home_assistant", f"mariadb_binlog: {{tables: [{tables}]}}", "home_assistant_recorder"
    )


def definition(
    flow: str,
    feeds: list[Feed],
    metrics: Mapping[str, Signals],
    mail: str | None = None,
    history: bool = False,
    about: str = "A first flow. Change what does not fit.",
) -> str:
    """The text of a definition that validates and runs.

    `mail` is who gets the alarms; `history` keeps readings and alarms in ClickHouse.
    """
    lines = ["vigie: 1", f"flow: {flow}", f"about: {about}", "", "sources:"]
    lines += [f"  {feed.name}: {{{feed.source}}}" for feed in feeds]
    lines += ["", "streams:", *_streams(feeds), "", "alarms:", *_alarms(metrics), "", "sinks:"]
    lines += [f"  page: {{from: [readings, alarms], websocket: {flow}}}"]
    if mail:
        title = '"{alarm} {change}: {subject} at {value} {unit}"'
        lines += [f"  mail: {{from: alarms, email: {{to: {quoted(mail)}, title: {title}}}}}"]
    if history:
        lines += ["  history: {from: readings, clickhouse: readings}"]
        lines += ["  alarm_history: {from: alarms, clickhouse: alarms}"]
    return "\n".join(lines) + "\n"


def _streams(feeds: list[Feed]) -> Iterator[str]:
    """All readings in one stream; several dialects are told apart by their topics and shapes."""
    names = ", ".join(feed.name for feed in feeds)
    dialects = {feed.dialect for feed in feeds if feed.dialect}
    dialect = dialects.pop() if len(dialects) == 1 else "auto"
    source = f"[{names}]" if len(feeds) > 1 else names
    yield f"  readings: {{from: {source}, steps: [decode: {dialect}]}}"


def _alarms(metrics: Mapping[str, Signals]) -> Iterator[str]:
    """Alarms for what there is; for a site of which nothing is known, one for heat."""
    given = metrics or {"temperature": Signals("°C")}
    yield from [*_limits(given), *_dangers(given)] or _any(given)
    measured = next((name for name in given if _kind(name) == "number"), next(iter(given)))
    yield (
        f"  silent: {{from: readings, only: {{metric: {measured}}}, when: {{silent: 2h}},"
        " priority: low, response: Look at the sensor and its battery.}"
    )


def _kind(metric: str) -> str:
    return METRICS[metric].kind if metric in METRICS else "any"


def _unit(seen: Signals) -> str:
    return f" {seen.unit}" if seen.unit in UNITS else ""


def _possible(metric: str, limit: float) -> float:
    """A limit that a value of the metric can go beyond."""
    return min(limit, METRICS[metric].high - 1)


def _limits(metrics: Mapping[str, Signals]) -> Iterator[str]:
    for metric, (name, kind, limit, back, response) in LIMITS.items():
        if metric not in metrics:
            continue
        seen = metrics[metric]
        unit = _unit(seen)
        at, way = limit, -back
        if kind == "above" and seen.high >= limit:
            at = _possible(metric, math.ceil(seen.high + back))
        if kind == "below":
            way = back
        yield _limit(name, metric, f"{kind}: {at:.0f}{unit}, clear: {at + way:.0f}{unit}", response)


def _limit(name: str, metric: str, condition: str, response: str) -> str:
    return (
        f"  {name}: {{from: readings, only: {{metric: {metric}}}, when: {{{condition}}},"
        f" response: {quoted(response)}}}"
    )


def _dangers(metrics: Mapping[str, Signals]) -> Iterator[str]:
    for metric, response in DANGERS.items():
        if metric in metrics:
            yield (
                f"  {metric}: {{from: readings, only: {{metric: {metric}}}, when: {{is: on}},"
                f" priority: critical, response: {quoted(response)}}}"
            )


def _any(metrics: Mapping[str, Signals]) -> Iterator[str]:
    """An alarm for a site that measures other things: one that is not raised by what was seen."""
    response = "Say here what a person does."
    for metric, seen in metrics.items():
        if _kind(metric) == "number" and math.isfinite(seen.high):
            limit = _possible(metric, math.ceil(max(seen.high * OWN_LIMIT, seen.high + 1)))
            unit = _unit(seen)
            yield _limit(f"high_{metric}", metric, f"above: {limit:.0f}{unit}", response)
            return
    for metric in metrics:
        if _kind(metric) == "binary" and (word := two_state.word(metric, 1.0)):
            yield _limit(f"{metric}_{word}", metric, f"is: {word}", response)
            return
