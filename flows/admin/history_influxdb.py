"""History from an export of InfluxDB 1 or 2 in line protocol as readings."""

import gzip
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from zoneinfo import ZoneInfo

from connectors.base import ConnectorError
from flows.admin.history_recorder import COLUMNS, RecorderHistory
from operators.events import Reading

SUBJECTS = ("subject", "device", "device_id", "entity_id", "sensor", "name", "host", "topic")
"""Tags of which the first that a point has names its subject."""
UNITS_OF_TIME = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}
_KEY = r"(?:\\[,= ]|[^,= ])+"
_SERIES = re.compile(rf"((?:\\[, ]|[^, ])+)((?:,{_KEY}={_KEY})*) +")
_TAG = re.compile(rf",({_KEY})=({_KEY})")
_FIELD = re.compile(rf'({_KEY})=("(?:\\.|[^"\\])*"|[^, "]+)(,|(?= )|\Z)')
_SPECIAL = re.compile(r"\\([,= ])")
_QUOTED = re.compile(r'\\(["\\])')
_TIME = re.compile(r"-?[0-9]{1,19}")
_NAMED = re.compile(r"\{(\w+)\}")
_WORDS = dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), 0.0
)
_NUMBERS = ("sensor", "number", "input_number", "counter")
"""Domains of Home Assistant whose states are numbers; the others have their state as a text."""


class Point(NamedTuple):
    """A line: a series, its fields, and when (in units of the file, as it is written)."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, float | str]
    time: int


class InfluxHistory:
    """The readings of a file that `influx_inspect export` or `influxd inspect export-lp` wrote.

    Points of Home Assistant are decoded as its recorder's states are. Of others, `subject` and
    `metric` are texts with `{TAG}`, `{measurement}` and `{field}` in them; without them, the
    subject is the first of `SUBJECTS`, and the metric is the field, or the measurement where the
    field is called `value`. Tags that name neither are labels. A reading has an id of what it says.
    `left_out` counts lines that could not be read, `first_bad` says where the first is and why.
    """

    def __init__(
        self, path: Path, zone: ZoneInfo, precision: str = "ns", subject: str = "", metric: str = ""
    ) -> None:
        self._path, self._zone = path, zone
        self._scale = UNITS_OF_TIME[precision]
        self._subject, self._metric = subject, metric
        self.left_out = 0
        self.first_bad = ""

    def readings(self) -> Iterator[Reading]:
        """The readings, in the order of the file, and then those of Home Assistant."""
        states = RecorderHistory(lambda start, end: self._states(), self._zone)
        return chain(self._others(), states.readings(0.0, math.inf))

    def _others(self) -> Iterator[Reading]:
        for number, point in self._points(counted=True):
            if not _is_state(point):
                try:
                    yield from self._of_point(point)
                except ValueError as error:
                    self._leave_out(number, error)

    def _states(self) -> Iterator[list[Any]]:
        for _, point in self._points(counted=False):
            if _is_state(point) and (state := _state(point)) is not None:
                domain, name = point.tags["domain"], point.tags["entity_id"]
                unit = "" if point.measurement in ("state", "units", name) else point.measurement
                if unit == f"{domain}.{name}":
                    unit = ""
                kind = point.fields.get("device_class_str")
                shared = {"unit_of_measurement": unit, "device_class": kind}
                said = f"influx-{_digest(domain, name, str(point.time), state)}"
                shown = json.dumps({key: value for key, value in shared.items() if value})
                values = (said, f"{domain}.{name}", state, point.time / self._scale, shown)
                yield [*values[: len(COLUMNS)]]

    def _of_point(self, point: Point) -> Iterator[Reading]:
        numbers = {key: value for key, value in point.fields.items() if key != "quality"}
        subject, used = self._name(point)
        unit = point.tags.get("unit")
        labels = {key: tag for key, tag in point.tags.items() if key not in (*used, "unit")}
        quality = point.fields.get("quality")
        for field, value in numbers.items():
            metric = _filled(self._metric, point, field) or (
                point.measurement if field in ("value", "text") else field
            )
            said = _digest(
                point.measurement, json.dumps(sorted(point.tags.items())), field,
                repr(value), repr(point.time / self._scale),
            )  # fmt: skip
            yield Reading(
                id=f"import-{said}", time=point.time / self._scale, subject=subject, metric=metric,
                value=value if isinstance(value, float) else None,
                text=value if isinstance(value, str) else None, unit=unit, labels=labels,
                quality="bad" if quality == "bad" else "stale" if quality == "stale" else "good",
            )  # fmt: skip

    def _name(self, point: Point) -> tuple[str, list[str]]:
        """The subject, and the tags that name it or its metric."""
        if self._subject:
            used = [*_NAMED.findall(self._subject), *_NAMED.findall(self._metric)]
            return _filled(self._subject, point, ""), used
        for tag in SUBJECTS:
            if tag in point.tags:
                return point.tags[tag], [tag, *_NAMED.findall(self._metric)]
        there = ", ".join(point.tags) or "none"
        raise ValueError(
            f"no tag names the subject of {point.measurement} (tags: {there});"
            " say it: --subject '{TAG}', or one text for all"
        )

    def _points(self, *, counted: bool) -> Iterator[tuple[int, Point]]:
        try:
            with _opened(self._path) as file:
                for number, line in enumerate(file, 1):
                    line = line.strip("\r\n")
                    if line and not line.startswith(("#", "CREATE DATABASE ")):
                        try:
                            yield number, _point(line)
                        except ValueError as error:
                            if counted:
                                self._leave_out(number, error)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise ConnectorError(
                f"{self._path} cannot be read as line protocol in UTF-8: {error}"
            ) from error

    def _leave_out(self, number: int, error: ValueError) -> None:
        self.left_out += 1
        self.first_bad = self.first_bad or f"{self._path}:{number}: {error}"


def _opened(path: Path) -> TextIO:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    if is_packed:
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


def _point(line: str) -> Point:
    """A line of line protocol; raises `ValueError`."""
    series = _SERIES.match(line)
    if series is None:
        raise ValueError(
            f"{line[:60]!r} is no line protocol; expected measurement,tag=… field=… time"
        )
    tags = {_plain(key): _plain(value) for key, value in _TAG.findall(series[2])}
    fields: dict[str, float | str] = {}
    at = series.end()
    while True:
        found = _FIELD.match(line, at)
        if found is None:
            raise ValueError(f"{line[at : at + 60]!r} is no field; expected field=value")
        fields[_plain(found[1])] = _value(found[2])
        at = found.end()
        if not found[3]:
            break
    time = line[at:].strip()
    if not _TIME.fullmatch(time):
        raise ValueError(f"{time[:60]!r} is no time of a point; an export writes it as a number")
    return Point(_plain(series[1]), tags, fields, int(time))


def _value(text: str) -> float | str:
    if text.startswith('"'):
        return _QUOTED.sub(r"\1", text[1:-1])
    if text in _WORDS:
        return _WORDS[text]
    number = float(text[:-1] if text[-1] in "iu" else text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number that InfluxDB holds")
    return number


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\1", text) if "\\" in text else text


def _filled(template: str, point: Point, field: str) -> str:
    known = {**point.tags, "measurement": point.measurement, "field": field}

    def of(found: re.Match[str]) -> str:
        if found[1] not in known:
            there = ", ".join(point.tags) or "none"
            raise ValueError(f"{point.measurement} has no tag {found[1]!r} (tags: {there})")
        return known[found[1]]

    return _NAMED.sub(of, template)


def _is_state(point: Point) -> bool:
    """Whether Home Assistant's integration of InfluxDB wrote it."""
    return "domain" in point.tags and "entity_id" in point.tags


def _state(point: Point) -> str | None:
    """The state; None for what is an attribute, or says again what a line beside it says."""
    is_number = point.tags["domain"] in _NUMBERS
    value, text = point.fields.get("value"), point.fields.get("state")
    if is_number and isinstance(value, float):
        return repr(value)
    if not isinstance(text, str):
        return None
    return None if is_number and _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
