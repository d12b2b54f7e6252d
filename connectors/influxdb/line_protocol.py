"""Line protocol, InfluxDB's text form of points.

Made directly, it is five times faster than the client's own point objects.

Where line protocol has no way to write a character, or InfluxDB and its relatives read it
differently, it is replaced: in names and tags control characters become a space, and a backslash
before `,` `=` space or another backslash, or at the end, becomes `/`; in text fields a line break
becomes the two characters backslash and n. Empty tags do not exist there.
"""

import json
import math
import re
from collections.abc import Callable, Container, Sequence
from typing import Any, Literal

from operators.events import AlarmTransition, Event, Occurrence, Reading, Summary
from operators.model.fields import ATTRIBUTES, KINDS, field, text
from operators.model.template import Template

CACHED_SERIES = 100_000
_KINDS: dict[type[Any], str] = {kind: kind.__name__.lower() for kind in KINDS}

_UNSAFE = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029,=\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_LOST_BACKSLASH = re.compile(r"\\(?=[\\,= ]|\Z)")
_SPECIAL = re.compile(r"[,= ]")
_SPECIAL_IN_MEASUREMENT = re.compile(r"[, ]")
_STABLE = {"subject", "metric"}
OF_POINTS = frozenset(("value", "text", "quality"))
"""Fields that a point may have, whether this one has them or not."""
RESERVED = frozenset(("time", "_field", "_measurement"))
"""Names that InfluxDB takes for no tag, and the first for no field either; it drops such points.

InfluxDB v2 documentation, "Line protocol: naming restrictions".
"""


def writable(name: str) -> str:
    """The name or tag value as it will be read back, with replacements for unsafe characters."""
    if not _UNSAFE.search(name):
        return name
    return _LOST_BACKSLASH.sub("/", _CONTROL.sub(" ", name))


def measurement_name(name: str) -> str:
    """The measurement as it will be read back. A line that began with `#` would be a comment."""
    name = writable(name)
    return "_" + name[1:] if name.startswith("#") else name


def tag(value: str) -> str:
    """A tag key, tag value or field key, escaped."""
    return _SPECIAL.sub(r"\\\g<0>", writable(value)) if _UNSAFE.search(value) else value


def measurement(name: str) -> str:
    """A measurement, escaped."""
    return _SPECIAL_IN_MEASUREMENT.sub(r"\\\g<0>", measurement_name(name))


def string(value: str) -> str:
    """A text field's value, quoted."""
    value = value.replace("\\", "\\\\").replace('"', '\\"').replace("\r\n", "\n")
    return '"' + value.replace("\n", "\\\\n").replace("\r", "\\\\n").replace("\0", " ") + '"'


class Lines:
    """Encodes events as lines.

    The beginning of a line (measurement and tags) is kept for each series of readings, as it
    rarely changes.
    """

    def __init__(
        self,
        measurement: str = "{metric}",
        tags: Sequence[str] = ("subject",),
        labels: bool = True,
        field: str = "value",
        precision: Literal["ms", "ns"] = "ms",
        shape: Callable[[Event], dict[str, Any]] | None = None,
    ) -> None:
        self._measurement = Template(measurement)
        self._tags = tags
        self._labels = labels
        self._shape = shape
        self._field = _field_name(field)
        self._own = {field} if shape is None else set()
        self._own |= RESERVED if shape is not None else RESERVED | OF_POINTS
        self.precision: Literal["ms", "ns"] = precision
        self._scale, self._factor = (1e3, 1) if precision == "ms" else (1e6, 1000)
        names = {*self._measurement.placeholders(), *self._tags}
        self._cacheable = all(name in _STABLE or name not in ATTRIBUTES for name in names)
        self._beginnings: dict[Any, str] = {}

    def line(self, event: Event) -> str | None:
        """The event's line without a line break; None if it has nothing that InfluxDB can hold."""
        if self._shape is None and type(event) is Reading:
            return self._reading(event)
        values = _values(event) if self._shape is None else self._shape(event)
        fields = ",".join(_fields("", values))
        if not fields:
            return None
        begin = self._begin(event, self._own | values.keys())
        return f"{begin} {fields} {self._time(event.time)}"

    def _reading(self, event: Reading) -> str | None:
        if self._cacheable:
            key = (
                (event.subject, event.metric, *event.labels.items())
                if event.labels
                else (event.subject, event.metric)
            )
            begin = self._beginnings.get(key)
            if begin is None:
                begin = self._keep(key, f"{self._begin(event, self._own)} {self._field}=")
        else:
            begin = f"{self._begin(event, self._own)} {self._field}="
        value = event.value
        if (
            value is not None
            and event.text is None
            and event.quality == "good"
            and math.isfinite(value)
        ):
            return f"{begin}{value!r} {round(event.time * self._scale) * self._factor}"
        fields = [f"{value!r}"] if value is not None and math.isfinite(value) else []
        if not fields:
            begin = begin[: -len(self._field) - 1]
        if event.text is not None:
            fields.append(f"text={string(event.text)}")
        if not fields:
            return None
        if event.quality != "good":
            fields.append(f"quality={string(event.quality)}")
        return f"{begin}{','.join(fields)} {self._time(event.time)}"

    def _keep(self, key: Any, begin: str) -> str:
        if len(self._beginnings) >= CACHED_SERIES:
            self._beginnings.clear()
        self._beginnings[key] = begin
        return begin

    def _time(self, seconds: float) -> int:
        return round(seconds * self._scale) * self._factor

    def _begin(self, event: Event, fields: Container[str]) -> str:
        """Measurement and tags, in the order of their names.

        InfluxDB 3 refuses a tag that is called as a field: it is `value_tag`; so is `time_tag`.
        """
        tags = dict(event.labels) if self._labels and hasattr(event, "labels") else {}
        if isinstance(event, AlarmTransition):
            tags["alarm"] = event.alarm
        elif isinstance(event, Occurrence):
            tags["type"] = event.type
        for name in self._tags:
            tags[name] = text(field(event, name))
        name = text(self._measurement.render(event))
        name = name if writable(name).strip() else _KINDS[type(event)]
        written = {
            tag(f"{key}_tag" if key in fields else key): tag(value)
            for key, value in tags.items()
            if writable(key).strip() and value
        }
        return ",".join([measurement(name), *(f"{key}={written[key]}" for key in sorted(written))])


def _values(event: Event) -> dict[str, Any]:
    if isinstance(event, Summary):
        quality = {} if event.quality == "good" else {"quality": event.quality}
        return {**event.values, **quality} if event.values else {}
    if isinstance(event, AlarmTransition):
        judged = (
            {"text": event.value}
            if isinstance(event.value, str)
            else {"value": _number(event.value)}
        )
        return {"state": event.state, "change": event.change, "severity": event.severity, **judged}
    if isinstance(event, Occurrence):
        return {"count": 1.0}
    return {}


def _field_name(name: str) -> str:
    return "time_field" if name == "time" else tag(name)


def _number(value: float | bool | None) -> float | None:
    return None if value is None else float(value)


def _finite(value: float) -> float | None:
    """The number as a float; None where it is not finite or an integer too big for a float."""
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _fields(prefix: str, values: dict[str, Any]) -> list[str]:
    """`key=value` of every entry; numbers are floats, so that a field never changes its type."""
    fields: list[str] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            fields += _fields(f"{name}.", value)
        elif isinstance(value, bool):
            fields.append(f"{_field_name(name)}={'true' if value else 'false'}")
        elif isinstance(value, (int, float)):
            if (number := _finite(value)) is not None:
                fields.append(f"{_field_name(name)}={number!r}")
        elif value is not None:
            words = value if isinstance(value, str) else json.dumps(value)
            fields.append(f"{_field_name(name)}={string(words)}")
    return fields
