"""The fields of an event by the names that definitions use, for reading and for setting."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from operators.events import (
    AlarmTransition,
    DeadLetter,
    Detection,
    Event,
    Frame,
    Message,
    Occurrence,
    Reading,
    Row,
    Summary,
)
from operators.model import two_state

KINDS: tuple[type[Any], ...] = (
    Reading, Summary, Occurrence, Frame, Detection, AlarmTransition, Message, Row, DeadLetter,
)  # fmt: skip


def field(event: Event, name: str) -> Any:
    """Return the value of a field, None where there is none.

    A field is an attribute, else a label, else an entry of the event's data.

    `class` and `in_zone` are as definitions write them; `camera` is the subject of a picture or of
    what was seen on one. `data.presence` looks inside the data, `label.area` at labels only.
    """
    attribute = _ATTRIBUTES.get((type(event), name))
    if attribute is not None:
        value = getattr(event, attribute)
        if value is not None:
            return value
    labels = getattr(event, "labels", None)
    if labels and name in labels:
        return labels[name]
    inside = getattr(event, _INSIDE.get(type(event), "labels"), None)
    if inside and name in inside:
        return inside[name]
    if "." in name:
        return _path(event, name)
    return None


def _path(event: Event, name: str) -> Any:
    head, _, rest = name.partition(".")
    if head in ("label", "labels"):
        return getattr(event, "labels", {}).get(rest)
    found = field(event, head)
    for key in rest.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def with_field(event: Event, name: str, value: Any) -> Event:
    """Return a copy of the event with one field set.

    That is an attribute of its own, an entry of its data, or else a label.

    A word set as the `value` of a two-state metric becomes its number; another text becomes the
    reading's `text`.
    """
    if name == "value" and isinstance(event, Reading):
        return _with_value(event, value)
    attribute = _ATTRIBUTES.get((type(event), name))
    if attribute is not None:
        return msgspec.structs.replace(
            event, **{attribute: value if value is None else as_kind(event, attribute, value)}
        )
    if isinstance(event, Occurrence) and (name in event.data or name.startswith("data.")):
        return msgspec.structs.replace(
            event, data={**event.data, name.removeprefix("data."): value}
        )
    return with_labels(event, {name.removeprefix("label."): text(value)})


def as_kind(event: Event, attribute: str, value: Any) -> Any:
    """Return the value as the attribute needs it: texts for names, a number for numbers.

    Raises ValueError.
    """
    present = getattr(event, attribute)
    if isinstance(present, float) and not isinstance(value, str):
        return float(value)
    if isinstance(present, dict) and not isinstance(value, dict):
        raise ValueError(f"'{attribute}' holds an object, not {value!r}")
    return text(value) if present is None or isinstance(present, str) else value


def _with_value(event: Reading, value: Any) -> Reading:
    if isinstance(value, (bool, int, float)):
        return msgspec.structs.replace(event, value=float(value), text=None)
    number = two_state.number(event.metric, str(value))
    return msgspec.structs.replace(
        event, value=number, text=None if number is not None else str(value)
    )


def with_labels(event: Event, labels: dict[str, str]) -> Event:
    """Return a copy of the event with more labels; an event that carries none as it is."""
    if not hasattr(event, "labels"):
        return event
    return msgspec.structs.replace(event, labels={**event.labels, **labels})


def value_of(event: Event) -> Any:
    """Return what a reading or an alarm says, as people read it.

    That is its two-state word, its number, or its text.
    """
    value = getattr(event, "value", None)
    if value is None:
        return getattr(event, "text", None)
    if (
        isinstance(event, Reading | AlarmTransition)
        and event.metric
        and (value == 1.0 or value == 0.0)
    ):
        return two_state.word(event.metric, value) or value
    return value


def number_of(event: Event) -> float | None:
    """Return the number an event carries, None where there is none.

    That is its value, or a summary's only statistic.
    """
    if isinstance(event, Reading):
        return event.value
    if isinstance(event, Summary):
        return next(iter(event.values.values())) if len(event.values) == 1 else None
    value = getattr(event, "value", None)
    return float(value) if isinstance(value, (int, float)) else None


def signal_of(event: Event) -> tuple[str, str]:
    """Return the key of an event's signal: the subject and the metric, type or class."""
    if type(event) is Reading and event.metric:
        return event.subject, event.metric
    name = getattr(event, "metric", None) or field(event, "type") or field(event, "class")
    return text(field(event, "subject")), text(name or event.__struct_config__.tag)


def text(value: Any) -> str:
    """Return a value as text.

    Numbers have no trailing `.0`, yes and no are `true` and `false`, nothing is an empty text.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    if isinstance(value, (dict, list, tuple)):
        return msgspec.json.encode(value).decode()
    return str(value)


def time_text(seconds: float) -> str:
    """Return epoch seconds as RFC 3339 in UTC with milliseconds: `2026-01-05T19:00:00.000Z`."""
    moment = datetime.fromtimestamp(round(seconds * 1000) / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _attributes() -> dict[tuple[type[Any], str], str]:
    names: dict[tuple[type[Any], str], str] = {}
    for kind in KINDS:
        for attribute in kind.__struct_fields__:
            names[kind, attribute.rstrip("_")] = attribute
        if kind in (Frame, Detection):
            names[kind, "camera"] = "subject"
    return names


_ATTRIBUTES = _attributes()
_INSIDE: dict[type[Any], str] = {Occurrence: "data", Summary: "values", Row: "values"}
ATTRIBUTES = frozenset(name for _, name in _ATTRIBUTES)
"""Every name that is an attribute of some event."""
