"""Sparkplug B: `spBv1.0/GROUP/TYPE/NODE` and `…/NODE/DEVICE`, in protocol buffers or their JSON.

Births name the metrics, their types and units; later messages may have their aliases only.
Source: Eclipse Sparkplug 3.0.0, and sparkplug_b.proto of Eclipse Tahu.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from operators.decoding.dialect import IGNORE, Dialect, Route
from operators.decoding.dialects.zigbee2mqtt_exposes import Property
from operators.decoding.payloads import home_assistant as ha
from operators.decoding.payloads import protobuf, values
from operators.decoding.payloads.metrics import METRIC_OF_UNIT, METRICS, by_suffix
from operators.decoding.payloads.parse import Ignored, Undecodable, loads, wrong_type
from operators.decoding.payloads.reading_builder import ReadingBuilder, at_endpoint, json_name

_BIRTHS, _DEATHS = ("NBIRTH", "DBIRTH"), ("NDEATH", "DDEATH")
_READ = (*_BIRTHS, *_DEATHS, "NDATA", "DDATA")
_SIGNED = {1: 8, 2: 16, 3: 32, 4: 64}
_NAMES = (
    "unknown int8 int16 int32 int64 uint8 uint16 uint32 uint64 float double boolean string"
    " datetime text uuid"
)
_TYPES = {name: n for n, name in enumerate(_NAMES.split())}
_DATE_TIME = _TYPES["datetime"]
_UNIT_KEYS = frozenset(("engunit", "engineering units", "engineeringunits", "unit", "units"))
_FOREIGN = frozenset(("value", "count", "availability", "uptime", "water", "gas", "position"))
_CONTROL = ("Node Control/", "Device Control/")
_BETWEEN = re.compile(r"[ .\-]+|(?<=[a-z0-9])(?=[A-Z])", re.ASCII)
_SCHEMA = {1: 2, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 9: 2, 10: 0, 11: 0, 12: 5, 13: 1, 14: 0, 15: 2}
"""Wire types of the fields of a metric."""
_DEEPEST = 8
_NO_VALUE = object()


class _Metric(NamedTuple):
    name: str = ""
    alias: int | None = None
    time: Any = None
    datatype: int | None = None
    value: Any = _NO_VALUE
    unit: str | None = None


def _route(topic: str, named: bool) -> Route | None:
    words = topic.split("/")
    if words[0] == "spAv1.0":
        return Route(None, unsupported="expected Sparkplug B; Sparkplug A is not read")
    if words[0] != "spBv1.0" or len(words) < 3:
        return None
    if words[1] == "STATE":
        return Route(None, unsupported="the state of a host application is no device's")
    if len(words) not in (4, 5) or words[2] not in _READ:
        return IGNORE
    group, kind, *path = words[1:]
    node, device = f"{group}/{path[0]}", "/".join((group, *path))

    def read(builder: ReadingBuilder, data: Any) -> None:
        _message(builder, kind, json_name(node), json_name(device), data)

    return Route(read, "bytes")


def _message(builder: ReadingBuilder, kind: str, node: str, device: str, data: bytes) -> None:
    try:
        time, metrics = _json(data) if data.lstrip()[:1] == b"{" else _payload(data)
    except ValueError as error:
        raise Undecodable("unsupported", f"expected a Sparkplug B payload; {error}") from None
    if kind in _BIRTHS:
        builder.set_time(time)
        _born(builder, kind, node, device, metrics)
    elif kind in _DEATHS:
        _died(builder, kind, node, device, metrics)
        return
    known = {**builder.described.get(_place(node), {}), **builder.described.get(_place(device), {})}
    resolved = [one for metric in metrics if (one := _resolved(metric, known)) is not None]
    if metrics and not resolved:
        raise Undecodable(
            "unresolved",
            f"expected metrics that a birth of {device} has named; got aliases only: let the edge"
            " node say its birth again (Node Control/Rebirth)",
        )
    builder.skipped += len(metrics) - len(resolved)
    for metric in resolved:
        builder.set_time(metric.time, time)
        _put(builder, device, metric)


def _place(subject: str) -> str:
    """Where the metrics of a birth are kept."""
    return f"spBv1.0/{subject}"


def _born(
    builder: ReadingBuilder, kind: str, node: str, device: str, metrics: list[_Metric]
) -> None:
    described = builder.described
    if kind == "NBIRTH":
        inside = f"{_place(node)}/"
        for place in [place for place in described if place.startswith(inside)]:
            del described[place]
    named: dict[str, Property] = {}
    for metric in metrics:
        kept = metric.value if metric.name == "bdSeq" else None
        made = Property("sparkplug", metric.name, None, metric.unit, metric.datatype, kept)
        named[metric.name] = made
        if metric.alias is not None:
            named[f"#{metric.alias}"] = made
    described[_place(device)] = named
    builder.put_availability(device, True)


def _died(
    builder: ReadingBuilder, kind: str, node: str, device: str, metrics: list[_Metric]
) -> None:
    if kind == "DDEATH":
        builder.put_availability(device, False)
        return
    born = builder.described.get(_place(node), {}).get("bdSeq")
    died = next((metric.value for metric in metrics if metric.name == "bdSeq"), None)
    if born is not None and died is not None and born.off != died:
        raise Ignored  # the will of a connection before the present one
    inside = f"{_place(node)}/"
    for place in [place for place in builder.described if place.startswith(inside)]:
        builder.put_availability(f"{node}/{place.removeprefix(inside)}", False)
    builder.put_availability(node, False, f"{node}/")


def _resolved(metric: _Metric, known: dict[str, Property]) -> _Metric | None:
    """A metric with the name, type and unit of its birth; None for an alias nobody named."""
    born = known.get(metric.name or f"#{metric.alias}")
    if born is None:
        return metric if metric.name else None
    return metric._replace(
        name=born.metric,
        datatype=born.on if metric.datatype is None else metric.datatype,
        unit=metric.unit or born.unit,
        value=_signed(metric.value, born.on if metric.datatype is None else None),
    )


def _put(builder: ReadingBuilder, device: str, metric: _Metric) -> None:
    name, raw, unit = metric.name, metric.value, metric.unit
    if name == "bdSeq" or name.startswith(_CONTROL) or raw is _NO_VALUE:
        builder.skipped += 1
        return
    words = name.split("/")
    if len(words) > 1 and words[-1].lower() == "value":
        words.pop()
    last, before = _BETWEEN.sub("_", words[-1]), words[:-1]
    if metric.datatype == _DATE_TIME:
        _date(builder, at_endpoint(device, name), raw)
    elif raw.__class__ is bool or (raw is None and metric.datatype == _TYPES["boolean"]):
        means, rest = ha.binary_meaning(last, None)
        if means.metric == "state":
            before, rest = words, ""
        builder.put(_at(device, before, rest), means.metric, raw, None, means.inverted)
    elif raw.__class__ is str:
        builder.put_text(at_endpoint(device, "/".join(words)), "state", raw, raw)
    else:
        quantity, rest = _quantity(last, unit)
        if by_suffix(last) != (quantity, rest):
            before = words
        builder.put(_at(device, before, rest), quantity, raw, unit)


def _quantity(name: str, unit: str | None) -> tuple[str, str]:
    """(metric, what the name says beside it): by the name where the unit fits, else by the unit."""
    found = by_suffix(name)
    if (
        found is not None
        and METRICS[found[0]].kind == "number"
        and found[0] not in _FOREIGN
        and (unit is None or values.conversion(found[0], unit) is not None)
    ):
        return found
    return METRIC_OF_UNIT.get(unit or "", "value"), ""


def _at(device: str, before: list[str], rest: str) -> str:
    return at_endpoint(device, "/".join([*before, rest] if rest else before))


def _date(builder: ReadingBuilder, subject: str, raw: Any) -> None:
    try:
        moment = datetime.fromtimestamp(raw / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        builder.skipped += 1
    else:
        builder.put_text(subject, "state", moment.isoformat())


def _payload(data: bytes) -> tuple[Any, list[_Metric]]:
    """(time in ms, metrics) of a payload in protocol buffers."""
    time: Any = None
    metrics: list[_Metric] = []
    for number, wire, value in protobuf.fields(data):
        if number == 1 and wire == protobuf.VARINT:
            time = value
        elif number == 2 and wire == protobuf.BYTES:
            metrics += _metrics(value, "", _DEEPEST)
    return time, metrics


def _metrics(data: bytes, prefix: str, depth: int) -> Iterator[_Metric]:
    """A metric; of a template, those that it holds."""
    found: dict[int, Any] = {}
    for number, wire, value in protobuf.fields(data):
        if wire != _SCHEMA.get(number, wire):
            raise protobuf.NotProtobuf(f"field {number} of a metric has wire type {wire}")
        found[number] = value
    name = prefix + protobuf.text(found.get(1, b""))
    if 18 in found:
        if depth:
            for number, wire, value in protobuf.fields(found[18]):
                if number == 2 and wire == protobuf.BYTES:
                    yield from _metrics(value, f"{name}/", depth - 1)
        return
    datatype = found.get(4)
    yield _Metric(
        name, found.get(2), found.get(3), datatype, _value(found, datatype), _unit(found.get(9))
    )


def _value(found: dict[int, Any], datatype: int | None) -> Any:
    if found.get(7):
        return None
    for number in (10, 11):
        if number in found:
            raw = found[number]
            return bool(raw) if datatype == _TYPES["boolean"] else _signed(raw, datatype)
    for number in (12, 13):
        if number in found:
            return protobuf.number(found[number])
    if 14 in found:
        return bool(found[14])
    return protobuf.text(found[15]) if 15 in found else _NO_VALUE


def _signed(raw: Any, datatype: int | None) -> Any:
    """A whole number that was sent as the unsigned one of the same bits."""
    bits = _SIGNED.get(datatype or 0)
    if bits is None or raw.__class__ is not int:
        return raw
    for size in (bits, 32, 64):
        if 1 << size - 1 <= raw < 1 << size:
            return raw - (1 << size)
    return raw


def _unit(properties: bytes | None) -> str | None:
    keys, found = [], []
    for number, wire, value in protobuf.fields(properties or b""):
        if wire != protobuf.BYTES:
            continue
        if number == 1:
            keys.append(protobuf.text(value))
        elif number == 2:
            texts = [text for n, w, text in protobuf.fields(value) if (n, w) == (8, protobuf.BYTES)]
            found.append(protobuf.text(texts[0]).strip() if texts else "")
    return next(
        (
            unit
            for key, unit in zip(keys, found, strict=False)
            if key.lower() in _UNIT_KEYS and unit
        ),
        None,
    )


def _json(data: bytes) -> tuple[Any, list[_Metric]]:
    """(time, metrics) of a payload that was written as JSON."""
    whole = loads(data.strip())
    listed = whole.get("metrics", [])
    if listed.__class__ is not list:
        raise wrong_type("a list of metrics", listed)
    metrics = []
    for one in listed:
        if one.__class__ is not dict:
            raise wrong_type("a metric, an object", one)
        named = one.get("dataType", one.get("datatype", one.get("type")))
        datatype = _TYPES.get(named.lower()) if named.__class__ is str else named
        unit = next((v for k, v in one.items() if k.lower() in _UNIT_KEYS), None)
        alias = one.get("alias")
        metrics.append(
            _Metric(
                str(one.get("name") or ""),
                alias if alias.__class__ is int else None,
                one.get("timestamp"),
                datatype if datatype.__class__ is int else None,
                one.get("value", None if one.get("isNull") or one.get("is_null") else _NO_VALUE),
                unit if unit.__class__ is str else None,
            )
        )
    return whole.get("timestamp"), metrics


def _read(builder: ReadingBuilder, data: Any) -> None:
    raise Undecodable("unsupported", f"expected a topic of spBv1.0; got {builder.topic!r}")


DIALECT = Dialect("Sparkplug B of industrial edge nodes", _route, _read)
