"""IoTaWatt, as a bridge sends its status: inputs by channel, outputs by name with their unit.

Source: docs.iotawatt.com, "Query and status".
"""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads.key_table import Means, put_key
from operators.decoding.payloads.metrics import METRIC_OF_UNIT
from operators.decoding.payloads.parse import missing
from operators.decoding.payloads.reading_builder import (
    ReadingBuilder,
    at_endpoint,
    json_name,
    subject_name,
)

_INPUT = {"Vrms": "voltage", "Hz": "frequency", "Watts": "power", "Pf": "power_factor"}
_UNITS = {
    "Watts": "power", "Volts": "voltage", "Amps": "current", "Hz": "frequency",
    "PF": "power_factor", "VA": "apparent_power", "VAR": "reactive_power",
}  # fmt: skip
"""Units of outputs, each of one quantity."""
METRICS = frozenset((*_INPUT.values(), *_UNITS.values(), "energy", "value"))


def _read(builder: ReadingBuilder, data: Any) -> None:
    if not _fits(data):
        raise missing("lists of inputs and outputs")
    device = subject_name(builder.topic)
    for one in data["inputs"]:
        if one.__class__ is not dict or "channel" not in one:
            builder.skipped += 1
            continue
        for key, raw in one.items():
            if (metric := _INPUT.get(key)) is None:
                builder.skipped += 1
            else:
                put_key(builder, device, Means(metric, f"input/{one['channel']}"), raw)
    for one in data["outputs"]:
        if one.__class__ is not dict or one.get("name").__class__ is not str:
            builder.skipped += 1
            continue
        unit = str(one.get("units"))
        subject, raw = at_endpoint(device, json_name(one["name"])), one.get("value")
        if unit in _UNITS:
            builder.put(subject, _UNITS[unit], raw)
        elif unit in METRIC_OF_UNIT:
            builder.put(subject, METRIC_OF_UNIT[unit], raw, unit)
        else:
            builder.put_number(subject, raw, unit, raw)


def _fits(data: Any) -> bool:
    if data.__class__ is not dict:
        return False
    inputs, outputs = data.get("inputs"), data.get("outputs")
    if inputs.__class__ is not list or outputs.__class__ is not list or not inputs:
        return False
    return inputs[0].__class__ is dict and "channel" in inputs[0]


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named else None


DIALECT = Dialect("IoTaWatt's status", _route, _read, _fits, METRICS)
