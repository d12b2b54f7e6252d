"""Shelly: generation 2 and later here, generation 1 in `shelly_gen1`.

Topics are `PREFIX/events/rpc`, `PREFIX/status/COMPONENT` and `PREFIX/online`.
"""

import re
from typing import Any

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.dialects import shelly_gen1
from operators.decoding.payloads import flat_json, values
from operators.decoding.payloads.metrics import metric_of
from operators.decoding.payloads.parse import missing, wrong_type
from operators.decoding.payloads.reading_builder import (
    ReadingBuilder,
    at_endpoint,
    json_name,
    subject_name,
)

_COMPONENT = re.compile(
    r"[a-z][a-z0-9_]*:\d+|sys|wifi|eth|cloud|mqtt|ble|ws|ui|ht_ui|plugs_ui|knx|modbus|bthome|matter|zigbee|schedule",
    re.ASCII,
)
_DEVICE_LEVEL = frozenset(("sys", "wifi", "eth", "cloud", "mqtt", "ble", "ws", "ui"))
_PHASE = re.compile(
    r"([abcn])_(current|voltage|act_power|aprt_power|pf|freq|total_act_energy|total_act_ret_energy)",
    re.ASCII,
)
_TOTALS = {
    "total_act_energy": "energy", "total_act": "energy",
    "total_act_ret_energy": "energy_returned", "total_act_ret": "energy_returned",
}  # fmt: skip
"""Counters of the components `emdata` and `em1data`, in Wh."""
_COUNTERS = {"aenergy": "energy", "ret_aenergy": "energy_returned"}
_VALVE = {"target_C": "target_temperature", "current_C": "temperature", "pos": "valve_position"}
_ALARMS = {"smoke": "smoke", "flood": "water_leak"}
_PRESSES = frozenset(
    ("single_push", "double_push", "triple_push", "long_push", "btn_down", "btn_up")
)
_BTHOME = {1.0: "single", 2.0: "double", 3.0: "triple", 4.0: "hold"}
_FOREIGN = frozenset(("state", "value", "count", "availability"))
_RELAYED = frozenset(("bthomesensor", "bthomedevice", "blutrv"))
"""Components that keep what a Bluetooth device last sent, and say when that was."""


def write_component(builder: ReadingBuilder, device: str, name: str, data: Any) -> None:
    """Write the readings of one component's status."""
    if data.__class__ is not dict:
        return
    kind = name.partition(":")[0]
    subject = device if kind in _DEVICE_LEVEL else at_endpoint(device, name)
    message = builder.time, builder.quality
    if kind in _RELAYED and data.get("last_updated_ts"):
        builder.set_time(data["last_updated_ts"])
    _write_values(builder, subject, kind, data)
    builder.time, builder.quality = message


def _write_values(builder: ReadingBuilder, subject: str, kind: str, data: dict[str, Any]) -> None:
    for key, raw in data.items():
        if key == "output":
            builder.put(subject, "state", raw)
        elif key == "state":
            _state(builder, subject, kind, raw)
        elif key in _COUNTERS:
            if raw.__class__ is dict and "total" in raw:
                builder.put(subject, _COUNTERS[key], raw["total"], "Wh")
        elif key == "temperature":
            _temperature(builder, subject, raw)
        elif key in ("tC", "tF"):
            if key == "tC" or "tC" not in data:
                builder.put(subject, "temperature", raw, None if key == "tC" else "°F")
        elif key in _VALVE and kind in ("blutrv", "thermostat", "trv"):
            builder.put(subject, _VALVE[key], raw)
        elif key == "battery" and raw.__class__ is dict:
            _battery(builder, subject, raw)
        elif key == "alarm" and kind in _ALARMS:
            builder.put(subject, _ALARMS[kind], raw)
        elif key == "illumination":
            if raw.__class__ is str and raw:
                builder.put_text(subject, "illuminance_level", raw.lower(), raw)
        elif key == "percent" and kind == "input":
            if raw is not None:
                builder.put_number(subject, raw, "%")
        elif key == "value":
            _virtual(builder, subject, kind, raw)
        elif key in _TOTALS:
            builder.put(subject, _TOTALS[key], raw, "Wh")
        elif key == "counts" and raw.__class__ is dict and "total" in raw:
            builder.put(subject, "count", raw["total"])
        elif key == "total_current":
            builder.put(subject, "current", raw)
        elif (phase := _PHASE.fullmatch(key)) is not None:
            _phase(builder, f"{subject}.{phase[1]}", phase[2], raw)
        else:
            metric = metric_of(key)
            if metric is None or metric in _FOREIGN or raw.__class__ is dict:
                builder.skipped += 1
            else:
                builder.put(subject, metric, raw)


def _phase(builder: ReadingBuilder, subject: str, key: str, raw: Any) -> None:
    if subject.endswith(".n") and raw is None:
        builder.skipped += 1  # the meter does not measure the neutral conductor
    elif key in _TOTALS:
        builder.put(subject, _TOTALS[key], raw, "Wh")
    else:
        builder.put(subject, str(metric_of(key)), raw)


def _state(builder: ReadingBuilder, subject: str, kind: str, raw: Any) -> None:
    if kind == "input":
        if raw is not None:
            builder.put(subject, "state", raw)
    elif kind == "cover":
        word = raw.strip().lower() if raw.__class__ is str else ""
        if word:
            builder.put_text(subject, "cover_state", values.COVER.get(word, word), raw)
        else:
            builder.put_bad(subject, "cover_state", raw)


def _temperature(builder: ReadingBuilder, subject: str, raw: Any) -> None:
    if raw.__class__ is not dict:
        builder.put(subject, "device_temperature", raw)
    elif "tC" in raw:
        builder.put(subject, "device_temperature", raw["tC"])
    elif "tF" in raw:
        builder.put(subject, "device_temperature", raw["tF"], "°F")


def _battery(builder: ReadingBuilder, subject: str, raw: dict[str, Any]) -> None:
    for key, metric in (("percent", "battery"), ("V", "voltage")):
        if key in raw:
            builder.put(subject, metric, raw[key])


def _virtual(builder: ReadingBuilder, subject: str, kind: str, raw: Any) -> None:
    if kind in ("number", "bthomesensor") and raw.__class__ in (int, float):
        builder.put_number(subject, raw, None)
    elif raw.__class__ is bool:
        builder.put(subject, "presence" if kind == "presencezone" else "state", raw)
    elif kind in ("text", "enum") and raw.__class__ is str and raw:
        builder.put_text(subject, "state", raw)


def _notification(builder: ReadingBuilder, device: str, data: Any) -> None:
    if data.__class__ is not dict:
        raise wrong_type("a notification, an object", data)
    method = data.get("method")
    if method not in ("NotifyStatus", "NotifyFullStatus", "NotifyEvent"):
        if method is None and "result" not in data and "error" not in data:
            raise missing("a notification with method")
        return
    params = data.get("params")
    if params.__class__ is not dict:
        raise wrong_type("an object as params", params)
    builder.set_time(params.get("ts"))
    if method == "NotifyEvent":
        _events(builder, device, params)
        return
    for name, component in params.items():
        write_component(builder, device, name, component)


def _events(builder: ReadingBuilder, device: str, params: dict[str, Any]) -> None:
    events = params.get("events")
    if events.__class__ is not list:
        raise wrong_type("a list of events", events)
    for event in events:
        word = event.get("event") if event.__class__ is dict else None
        if word.__class__ is str and (data := event.get("data")).__class__ is dict:
            _relayed(builder, data)
        if word.__class__ is str and word in _PRESSES:
            component = event.get("component")
            builder.set_time(event["ts"] if "ts" in event else params.get("ts"))
            builder.put_button_press(
                device, word, component if isinstance(component, str) else None
            )


def _relayed(builder: ReadingBuilder, data: dict[str, Any]) -> None:
    """Write what a script passes on of a Bluetooth device, which says its address."""
    address = data.get("address")
    if address.__class__ is not str or not address:
        return
    subject = json_name(address.replace(":", "").upper())
    flat_json.put_known(
        builder, subject, {key: raw for key, raw in data.items() if key not in ("button", "window")}
    )
    if "window" in data:
        builder.put(subject, "contact", data["window"], inverted=True)
    pressed = data.get("button")
    buttons = pressed if isinstance(pressed, list) else [pressed]
    for n, one in enumerate(buttons, 1):
        if (press := values.number(one)) in _BTHOME:
            builder.put_button_press(
                subject, _BTHOME[press], str(n) if buttons is pressed else None
            )


def _device(words: list[str]) -> str:
    return subject_name("/".join(words[1:] if words[0] == "shellies" and len(words) > 1 else words))


def _route(topic: str, named: bool) -> Route | None:
    """Topics of all generations."""
    return _route_gen2(topic) or shelly_gen1.route(topic, named)


def _route_gen2(topic: str) -> Route | None:
    words = topic.split("/")
    if len(words) > 2 and words[-2:] == ["events", "rpc"]:
        device = _device(words[:-2])
        return Route(lambda builder, data: _notification(builder, device, data), "json")
    if len(words) > 1 and (words[-1] == "rpc" or (len(words) > 2 and words[-2] == "rpc")):
        return IGNORE
    if len(words) > 2 and words[-2] == "status" and _COMPONENT.fullmatch(words[-1]):
        return _status(_device(words[:-2]), words[-1])
    if len(words) > 1 and words[-1] == "online" and words[0] != "shellies":
        device = _device(words[:-1])
        return Route(lambda builder, data: builder.put_availability(device, data))
    if words[-2:] == ["debug", "log"] or "command" in (
        words[-1],
        words[-2] if len(words) > 2 else "",
    ):
        return IGNORE
    return None


def _status(device: str, component: str) -> Route:
    def read_status(builder: ReadingBuilder, data: Any) -> None:
        if data.__class__ is not dict:
            raise wrong_type(f"an object as status of {component}", data)
        write_component(builder, device, component, data)

    return Route(read_status, "json")


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is dict and "BTHome_version" in data:  # as scripts publish it themselves
        _relayed(builder, data)
        return
    source = data.get("src") if data.__class__ is dict else None
    if not isinstance(source, str) or not source:
        raise missing("a notification with src")
    _notification(builder, json_name(source), data)


def _fits(data: Any) -> bool:
    if data.__class__ is not dict:
        return False
    notifies = "src" in data and str(data.get("method")).startswith("Notify")
    return notifies or ("BTHome_version" in data and isinstance(data.get("address"), str))


DIALECT = Dialect("Shelly, all generations", _route, _read, _fits)
