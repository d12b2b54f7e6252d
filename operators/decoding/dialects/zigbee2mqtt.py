"""Zigbee2MQTT: `BASE/FRIENDLY NAME` with a JSON object, and `…/availability`.

Single attributes come as bare values.
"""

import re
from functools import lru_cache
from typing import Any

from operators.decoding.dialect import ALL, IGNORE, Route, by_topic
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import ALIASES, METRICS, NAMES
from operators.decoding.payloads.parse import wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, subject_name

_SIDE = "(?:left|right|center|middle|top|bottom)"
_ENDPOINT = re.compile(
    rf"{_SIDE}(?:_{_SIDE})?|(?:l|c|ch|s|ep|in|out|x)?_?\d{{1,3}}|(?:phase_)?[abc]|ab|bc|ca"
    r"|(?:button|row|input|output|port|channel|relay|switch|socket|outlet|usb|gang)_?\d{1,3}|usb",
    re.ASCII,
)
"""Names that Zigbee2MQTT gives endpoints, and makers of electricity meters phases."""
_FOREIGN = frozenset(("tilt", "value", "availability", "count", "uptime"))
"""Metrics' names that mean something else in Zigbee2MQTT."""
_SETTINGS = frozenset(("position", "speed", "current", "water", "gas", "distance", "weight"))
"""Names of quantities that some devices give to settings in words."""
NOT_VALUES = frozenset(("nan", "inf", "unknown", "unavailable", "none", "null"))


@lru_cache(4096)
def _plan(key: str) -> tuple[str, str | None, bool] | None:
    """(metric, endpoint, whether the key is an alias) of a key."""
    name, endpoint = key.lower(), None
    if name not in NAMES:
        words = name.split("_")
        splits = (("_".join(words[:n]), "_".join(words[n:])) for n in range(len(words) - 1, 0, -1))
        found = next((both for both in splits if both[0] in NAMES), None)
        if found is None or not _ENDPOINT.fullmatch(found[1]):
            return None
        name, endpoint = found
    metric = NAMES[name]
    return None if metric in _FOREIGN else (metric, endpoint, name in ALIASES)


def _state(builder: ReadingBuilder, subject: str, raw: Any) -> None:
    value = values.binary("state", raw)
    if raw.__class__ is str:
        word = raw.strip().lower()
        if word in values.COVER:
            builder.put_text(subject, "cover_state", values.COVER[word], raw)
            return
        if word in values.LOCK:
            builder.add(subject, "lock", values.LOCK[word], None, None, builder.quality, raw)
            return
    if value is None:
        builder.put(subject, "state", raw)
    else:
        builder.add(
            subject,
            "state",
            value,
            None,
            None,
            builder.quality,
            raw if raw.__class__ is str else None,
        )


def _action(builder: ReadingBuilder, device: str, raw: Any) -> None:
    if raw.__class__ is not str or not raw.strip():
        return
    word = raw.strip().lower()
    before, _, after = word.partition("_")
    if (
        after
        and _ENDPOINT.fullmatch(before)
        and (before.isdigit() or values.action(after) in values.ACTIONS)
    ):
        builder.put_button_press(device, after, before)
        return
    if _ENDPOINT.fullmatch(after) and values.action(before) in values.ACTIONS:
        builder.put_button_press(device, before, after)
        return
    builder.put_button_press(device, word)


def _value(builder: ReadingBuilder, device: str, key: str, raw: Any, whole: dict[str, Any]) -> None:
    if key == "action":
        _action(builder, device, raw)
        return
    plan = _plan(key) if len(key) <= 64 else None
    if plan is None or raw.__class__ is dict:
        builder.skipped += 1
        return
    metric, endpoint, alias = plan
    if alias and metric in whole and metric != "illuminance":
        return
    if endpoint is None and f"{key}_phase_b" in whole:
        endpoint = "phase_a"
    subject = device if endpoint is None else f"{device}#{endpoint}"
    if METRICS[metric].kind == "number" and _is_a_word(metric, raw):
        _flag(builder, f"{device}#{key}", raw)
        return
    if metric == "state":
        _state(builder, subject, raw)
    elif metric == "voltage":
        number = values.number(raw)
        builder.put(subject, metric, raw, "mV" if number is not None and number >= 1000 else None)
    elif metric == "illuminance" and not alias and "illuminance_lux" in whole:
        builder.put(subject, "illuminance_raw", raw)
    elif metric == "gas" and raw.__class__ is bool:
        builder.put(subject, "gas_alarm", raw)
    else:
        builder.put(subject, metric, raw)


def _is_a_word(metric: str, raw: Any) -> bool:
    """Whether a setting or an alarm has the name of a quantity: `{"water": true}`, `speed: low`."""
    if raw.__class__ is bool:
        return metric != "gas"
    return (
        metric in _SETTINGS
        and raw.__class__ is str
        and raw.replace("_", "").isalpha()
        and raw.lower() not in NOT_VALUES
    )


def _flag(builder: ReadingBuilder, subject: str, raw: Any) -> None:
    if raw.__class__ is bool:
        builder.put(subject, "state", raw)
    else:
        builder.put_text(subject, "state", raw)


def _object(builder: ReadingBuilder, device: str, data: dict[str, Any]) -> None:
    if "last_seen" in data:
        builder.set_time(data["last_seen"])
    for key, raw in data.items():
        if key != "last_seen":
            _value(builder, device, key, raw, data)


def _device(name: str) -> Route:
    name = subject_name(name)
    device, slash, attribute = name.rpartition("/")

    def _read(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is dict:
            _object(builder, name, data)
        elif slash and data.__class__ is not list:
            _value(builder, device, attribute, data, {})
        else:
            raise wrong_type(f"a JSON object of {name!r}", data)

    return Route(_read, "any" if slash else "json")


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    at = next(
        (
            n
            for n, word in enumerate(words[:-1])
            if named or word.startswith("zigbee2mqtt") or word == "z2m"
        ),
        None,
    )
    if at is None:
        return None
    base, rest = "/".join(words[: at + 1]), words[at + 1 :]
    if rest[0] == "bridge" and len(rest) > 1:
        if rest[1:] != ["state"]:
            return IGNORE
        bridge = subject_name(base)
        return Route(lambda builder, data: builder.put_availability(bridge, data, base + "/"))
    if len(rest) > 1:
        if rest[-1] in ("set", "get") or (len(rest) > 2 and rest[-2] in ("set", "get")):
            return IGNORE
        if rest[-1] == "availability":
            device = subject_name("/".join(rest[:-1]))
            return Route(lambda builder, data: builder.put_availability(device, data))
    return _device("/".join(rest))


DIALECT = by_topic(
    "Zigbee2MQTT", _route, "BASE/DEVICE of Zigbee2MQTT", ALL - _FOREIGN | {"availability"}
)
