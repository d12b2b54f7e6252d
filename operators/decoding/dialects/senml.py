"""SenML (RFC 8428) in JSON: an array of records with base fields."""

from typing import Any

from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import values
from operators.decoding.payloads.metrics import METRICS, metric_of
from operators.decoding.payloads.parse import Undecodable, missing, wrong_type, wrong_value
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

VERSION = 10
RELATIVE = 2.0**28
"""A time below this is relative to receipt, in seconds."""
_SEPARATORS = ":/;."
_UNITS = {
    "Cel": "temperature", "K": "temperature", "°C": "temperature", "%RH": "humidity",
    "%EL": "battery", "V": "voltage", "mV": "voltage", "A": "current", "mA": "current",
    "W": "power", "kW": "power", "J": "energy", "Wh": "energy", "kWh": "energy", "Pa": "pressure",
    "hPa": "pressure", "kPa": "pressure", "lx": "illuminance", "ppm": "carbon_dioxide",
    "lon": "longitude", "lat": "latitude",
}  # fmt: skip
_OWN_UNITS = frozenset(("lon", "lat"))
_TEXTS = ("bn", "n", "u", "bu", "vs")
_NUMBERS = ("bt", "t", "bv", "bver")


def _check(record: Any) -> None:
    if record.__class__ is not dict:
        raise wrong_type("a SenML record, an object", record)
    for key in _TEXTS:
        if key in record and record[key].__class__ is not str:
            raise wrong_type(f"a text as {key} of a SenML record", record[key])
    for key in _NUMBERS:
        if (
            key in record
            and values.number(None if record[key].__class__ is str else record[key]) is None
        ):
            raise wrong_value(f"a number as {key} of a SenML record", record[key])


def _understood(record: dict[str, Any]) -> None:
    if record.get("bver", VERSION) > VERSION:
        raise Undecodable(
            "unsupported", f"expected SenML of version {VERSION} or lower; got {record['bver']}"
        )
    for key in record:
        if key.endswith("_"):
            raise Undecodable(
                "unsupported",
                f"expected SenML labels that need not be understood; got {key[:40]!r}",
            )


def _subject(base: str, name: str) -> tuple[str, str | None]:
    """(device, endpoint) of a record."""
    device = base.rstrip(_SEPARATORS)
    if not device:
        return json_name(name), None
    own = name.strip(_SEPARATORS)
    return json_name(device), own if own and metric_of(own) is None else None


def _write(builder: ReadingBuilder, record: dict[str, Any], base: dict[str, Any]) -> None:
    name = record.get("n", "")
    device, endpoint = _subject(base.get("bn", ""), name)
    if not device:
        raise missing("a name (bn or n) in every SenML record")
    unit = record.get("u", base.get("bu")) or None
    named = metric_of(name.strip(_SEPARATORS))
    subject = at_endpoint(device, endpoint)
    if "v" in record:
        number = record["v"]
        if "bv" in base and (value := values.number(number)) is not None:
            number = value + base["bv"]
        metric = named or _UNITS.get(unit or "", "value")
        if METRICS[metric].kind == "number" or metric == "value":
            builder.put(subject, metric, number, None if unit in _OWN_UNITS else unit)
        else:
            builder.put(subject, metric, number)
    elif "vb" in record:
        if name.strip(_SEPARATORS).lower() == "open":
            builder.put(device, "contact", record["vb"], inverted=True)
        else:
            builder.put(
                subject,
                named if named and METRICS[named].kind == "binary" else "state",
                record["vb"],
            )
    elif "vs" in record:
        builder.put(subject, named or "state", record["vs"])


def _read(builder: ReadingBuilder, data: Any) -> None:
    if data.__class__ is not list:
        raise wrong_type("an array of SenML records", data)
    for record in data:
        _check(record)
    base: dict[str, Any] = {}
    for record in data:
        _understood(record)
        base.update((key, record[key]) for key in ("bn", "bt", "bu", "bv") if key in record)
        if "bt" in base or "t" in record:
            at = float(base.get("bt", 0)) + float(record.get("t", 0))
            builder.set_time(builder.received + at if at < RELATIVE else at)
        else:
            builder.set_time(None)
        _write(builder, record, base)


def _route(topic: str, named: bool) -> Route | None:
    return Route(_read, "json") if named or "senml" in topic.lower().split("/") else None


def _fits(data: Any) -> bool:
    if data.__class__ is not list or not data or data[0].__class__ is not dict:
        return False
    first = data[0]
    return (
        "bn" in first
        or "bver" in first
        or ("n" in first and any(key in first for key in ("v", "vs", "vb", "vd", "s")))
    )


DIALECT = Dialect("SenML (RFC 8428) in JSON", _route, _read, _fits)
