"""What a test gives a source, as the events that the source would have brought."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from connectors.config.suggestion import near
from connectors.http.body import BadPost
from connectors.http.body import events_of as posted_events
from connectors.mariadb.row_mapping import Unmapped, mapper
from flows.language.model import Source
from flows.testing.fake_camera import SEES, camera_labels, picture
from operators.alarms.settings import STATES
from operators.decoding.payloads.metrics import METRICS
from operators.events import (
    AlarmTransition,
    Detection,
    Event,
    Message,
    Occurrence,
    Reading,
    Row,
    Summary,
)
from operators.model import two_state
from operators.model.priority import PRIORITIES, SEVERITY_OF
from operators.model.units import UNITS, duration, quantity

Change = Literal["insert", "update", "delete"]
Tables = Mapping[str, Sequence[Mapping[str, Any]]]
KINDS: dict[str, type[Any]] = {
    "metric": Reading, "type": Occurrence, "class": Detection, "alarm": AlarmTransition,
    "start": Summary,
}  # fmt: skip
"""A decoded event is told by the field that only its kind needs."""

QUALITIES = ("good", "stale", "bad")
_MESSAGE = ("raw", "topic", "retained", "redelivered", "labels", "time", "id")
_POST = ("raw", "time", "id")
_ROW = ("table", "row", "op", "labels", "time", "id")
_PICTURE = ("camera", "sees", "labels", "time", "id")
_ISA = dict(zip(STATES, "ABCDEFG", strict=True))


class GivenError(ValueError):
    """Something given that its source could not have brought.

    `key` is the field that is wrong, if it is one; with `is_key` its name is, not its value.
    """

    def __init__(
        self, key: str | None, message: str, hint: str | None = None, is_key: bool = False
    ) -> None:
        super().__init__(message)
        self.key, self.message, self.hint, self.is_key = key, message, hint, is_key


def events_of(
    name: str,
    source: Source,
    item: Mapping[str, Any],
    id: str,
    at: float,
    start: float,
    tables: Tables,
    zone: ZoneInfo,
) -> list[Event]:
    """The events of one thing given to the source `name` at `at`, in epoch seconds.

    `start` is when the test began. A post may hold several; a deleted row of a table whose rows
    become readings gives none. The id is `id` unless the item has one. Raises `GivenError`.
    """
    own_id, time = str(item.get("id", id)), time_of(item.get("time"), at, start, zone)
    common: dict[str, Any] = {"id": own_id, "time": time}
    labels = item.get("labels") or {}
    if not isinstance(labels, dict):
        raise GivenError(
            "labels", "'labels' is a map of names and texts", "such as  labels: {area: yard}"
        )
    common["labels"] = {str(key): str(value) for key, value in labels.items()}
    if source.kind == "rtsp" and not {"metric", "type"} & item.keys():
        return [_frame(source, item, common, tables)]
    if getattr(source.settings, "table", False) is True:
        return [_table_row(name, source, item, common)]
    if "row" in item:
        row = _row(name, source, item, common)
        return [] if row is None else [row]
    if source.kind == "http" and "raw" in item:
        _only(item, _POST, "a post")
        return _posted(source.settings, item["raw"], own_id, time)
    return [_decoded(item, common) if "subject" in item else _message(name, source, item, common)]


def time_of(written: Any, at: float, start: float, zone: ZoneInfo) -> float:
    """An event's own time: a span from the start of the test, or a date; `at` if it has none."""
    if written is None:
        return at
    try:
        return start + duration(written)
    except ValueError as error:
        try:
            moment = datetime.fromisoformat(str(written))
        except ValueError:
            raise GivenError(
                "time", str(error), "from the start of the test, such as  time: 30s"
            ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _frame(
    source: Source, item: Mapping[str, Any], common: dict[str, Any], tables: Tables
) -> Event:
    _only(item, _PICTURE, "a picture")
    each = getattr(source.settings, "each", "")
    rows = tables.get(each, ())
    cameras = [str(row["name"]) for row in rows if "name" in row]
    name = item.get("camera")
    if name is None:
        raise GivenError(None, "a picture needs 'camera'", f"cameras: {', '.join(cameras[:20])}")
    if each in tables and name not in cameras:  # else people add them while the flow runs
        raise GivenError(
            "camera",
            f"no camera {name!r}",
            near(name, cameras) or f"cameras: {', '.join(cameras[:20])}",
        )
    row = next((row for row in rows if str(row.get("name")) == name), {})
    labels = camera_labels(source.settings, row)
    seen = item.get("sees", [])
    try:
        sees = msgspec.convert(seen if isinstance(seen, list) else [seen], SEES)
    except msgspec.ValidationError as error:
        raise GivenError(
            "sees",
            f"'sees' is a list of what is on the picture: {error}",
            "such as  sees: [{class: person, score: 0.9}]",
        ) from None
    return picture(str(name), sees, common["id"], common["time"], {**labels, **common["labels"]})


def _table_row(name: str, source: Source, item: Mapping[str, Any], common: dict[str, Any]) -> Event:
    """A row of a topic that is a table: what is given is the row itself."""
    topic = getattr(source.settings, "name", name)
    values = {key: value for key, value in item.items() if key != "time"}
    op: Change = "delete" if item.get("deleted") else "update"
    return Row(
        id=f"{common['id']}@{common['time']}",
        time=common["time"],
        table=str(topic),
        op=op,
        values=values,
    )


def _row(
    name: str, source: Source, item: Mapping[str, Any], common: dict[str, Any]
) -> Event | None:
    _only(item, _ROW, "a row")
    tables = getattr(source.settings, "tables", None)
    if tables is None:
        raise GivenError("row", f"{name!r} is no database; rows are given to  mariadb_binlog")
    table, op, values = item.get("table", tables[0]), item.get("op", "insert"), item["row"]
    if table not in tables:
        raise GivenError(
            "table", f"{name!r} does not read the table {table!r}", near(table, tables)
        )
    if op not in ("insert", "update", "delete"):
        raise GivenError("op", f"{op!r} is not a change of a row", "write insert, update or delete")
    if not isinstance(values, dict):
        raise GivenError(
            "row", "'row' is a map of columns", "such as  row: {meter: kitchen, watts: 12}"
        )
    row = Row(table=str(table), op=msgspec.convert(op, Change), values=dict(values), **common)
    mapping = getattr(source.settings, "rows", {}).get(table)
    if mapping is None:
        return row
    try:
        return mapper(str(table), mapping)(row)
    except Unmapped as error:
        raise GivenError("row", str(error)) from None


def _message(name: str, source: Source, item: Mapping[str, Any], common: dict[str, Any]) -> Event:
    if "raw" not in item:
        _misspelt(item, ("subject", "raw", "row"))
        raise GivenError(
            None, "what is given needs 'subject' (an event), or 'raw' (as the device sends it)"
        )
    _only(item, _MESSAGE, "a message")
    if source.kind not in ("mqtt", "topic"):
        raise GivenError(
            "raw", f"{source.kind!r} brings no messages; give it an event with a 'subject'"
        )
    filters = getattr(source.settings, "topics", None) if source.kind == "mqtt" else None
    topic = item.get("topic", _plain(filters) if filters else name)
    if filters and not topic:
        raise GivenError(
            None, "a message needs 'topic'", f"{name!r} subscribes to {', '.join(filters)}"
        )
    if filters and not any(subscribed(str(topic), one) for one in filters):
        raise GivenError(
            "topic", f"{name!r} does not subscribe to {topic!r}", f"it does to {', '.join(filters)}"
        )
    raw = item["raw"]
    return Message(
        topic=str(topic),
        payload=raw.encode() if isinstance(raw, str) else msgspec.json.encode(raw),
        retained=bool(item.get("retained")),
        redelivered=bool(item.get("redelivered")),
        **common,
    )


def _posted(settings: Any, raw: Any, id: str, time: float) -> list[Event]:
    """The events of a post, by the code that takes posts."""
    body = raw.encode() if isinstance(raw, str) else msgspec.json.encode(raw)
    try:
        return posted_events(
            body, settings.path.strip("/"), settings.readings(), None, lambda: id, time
        )
    except BadPost as refused:
        raise GivenError(
            "raw", f"such a post is answered with {refused.status}: {refused.detail}"
        ) from None


def _plain(filters: Sequence[str]) -> str:
    """The topic, where there is only one that can be meant."""
    return filters[0] if len(filters) == 1 and not {"+", "#"} & set(filters[0]) else ""


def subscribed(topic: str, pattern: str) -> bool:
    """Whether an MQTT subscription takes a topic (MQTT 5, section 4.7)."""
    if pattern.startswith("$share/"):
        pattern = pattern.split("/", 2)[2]
    words, wanted = topic.split("/"), pattern.split("/")
    for index, part in enumerate(wanted):
        if part == "#":
            return True
        if index >= len(words) or part not in ("+", words[index]):
            return False
    return len(words) == len(wanted)


def _decoded(item: Mapping[str, Any], common: dict[str, Any]) -> Event:
    """An event by its fields."""
    key = next((key for key in KINDS if key in item), None)
    if key is None:
        _misspelt(item, (*KINDS, "subject"))
        words = "'metric' (a reading), 'type' (an occurrence), 'class' (something seen) or 'alarm'"
        raise GivenError(None, f"an event needs one of {words}")
    kind = KINDS[key]
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    _only(item, (*names, "kind"), f"a {kind.__struct_config__.tag}")
    fields = {**item, **common, "kind": kind.__struct_config__.tag}
    if kind is Reading:
        fields |= _reading(item)
    elif kind is Detection:
        fields = {"score": 1.0, "box": [0.0, 0.0, 1.0, 1.0], **fields}
    elif kind is AlarmTransition:
        fields = _transition(fields)
    try:
        event: Event = msgspec.convert(fields, kind)
    except (msgspec.ValidationError, OverflowError) as error:
        where = str(error).rpartition("`$.")[2].partition("[")[0].rstrip("`")
        raise GivenError(where if where in item else None, str(error)) from None
    return event


def _reading(item: Mapping[str, Any]) -> dict[str, Any]:
    metric, value, unit = item["metric"], item.get("value"), item.get("unit")
    if not isinstance(metric, str):
        raise GivenError("metric", f"the name of a metric is a text, not {metric!r}")
    if (quality := item.get("quality", "good")) not in QUALITIES:
        raise GivenError(
            "quality", f"{quality!r} is not a quality", f"write {', '.join(QUALITIES)}"
        )
    out: dict[str, Any] = {}
    if isinstance(value, bool):
        out["value"] = float(value)
    elif isinstance(value, str):
        number = two_state.number(metric, value)
        if number is None and unit is None and (found := _with_unit(value)):
            number, unit = found
            out["unit"] = unit
        out |= {"value": None, "text": value} if number is None else {"value": number}
    elif value is None and "text" not in item and "quality" not in item:
        out["quality"] = "bad"
    if unit is not None:
        _check_unit(metric, str(unit), "unit" if "unit" in item else "value")
    return out


def _with_unit(value: str) -> tuple[float, str | None] | None:
    """(number, unit) of `31 °C`."""
    try:
        read = quantity(value)
    except ValueError:
        return None
    return read.number, read.unit


def _check_unit(metric: Any, unit: str, key: str) -> None:
    if unit not in UNITS:
        if hint := near(unit, UNITS, 0.5):
            raise GivenError(key, f"unknown unit {unit!r}", hint)
        return
    own = METRICS[metric].unit if metric in METRICS else None
    if own in UNITS and own is not None and UNITS[own][0] != UNITS[unit][0]:
        raise GivenError(
            key, f"{unit} is a unit of {UNITS[unit][0]}; {metric!r} is measured in {own}"
        )


def _transition(fields: dict[str, Any]) -> dict[str, Any]:
    """A change of an alarm, with what the test leaves open."""
    state, priority = fields.get("state", "unacked"), fields.get("priority", "medium")
    if state not in STATES:
        raise GivenError(
            "state",
            f"{state!r} is not an alarm state",
            near(state, STATES) or f"one of {', '.join(STATES)}",
        )
    if priority not in PRIORITIES:
        raise GivenError(
            "priority", f"{priority!r} is not a priority", f"one of {', '.join(PRIORITIES)}"
        )
    change = fields.get("change", "raised")
    return {
        "rule": fields["alarm"], "recorded": fields["time"], "occ": 1, "seq": 1, "event": change,
        "change": change,
        "state": state, "isa": _ISA[state], "severity": SEVERITY_OF[priority],
        "priority": priority, "annunciation": _ANNUNCIATED.get((str(change), state)), **fields,
    }  # fmt: skip


_ANNUNCIATED = {
    ("raised", "unacked"): "start",
    ("raised", "acked"): "start",
    ("escalated", "unacked"): "again",
    ("realarmed", "unacked"): "again",
    ("returned", "returned"): "end",
    ("cleared", "normal"): "end",
}
"""What people are told by a change whose test says nothing else."""


def _misspelt(item: Mapping[str, Any], wanted: Sequence[str]) -> None:
    """Say which key of the item is nearly one that is missing."""
    for key in item:
        if key not in (*wanted, "value") and (hint := near(key, wanted, 0.7)):
            raise GivenError(key, f"unknown field {key!r}", hint, True)


def _only(item: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for key in item:
        if key not in known:
            raise GivenError(
                key,
                f"{what} has no field {key!r}",
                near(key, known) or f"it has {', '.join(known)}",
                True,
            )
