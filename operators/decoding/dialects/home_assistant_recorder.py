"""Home Assistant's recorder: rows of the table `states`.

Each has its entity's name and the attributes that it shares with other states.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple

from operators.columnar.lazy_rows import LazyRows
from operators.decoding.dialect import Dialect, Route
from operators.decoding.payloads import home_assistant as ha
from operators.decoding.payloads.metrics import METRICS
from operators.decoding.payloads.parse import (
    Ignored,
    NotJSON,
    Undecodable,
    loads,
    missing,
    wrong_type,
    wrong_value,
)
from operators.decoding.payloads.reading_builder import ReadingBuilder, json_name
from operators.decoding.payloads.timestamps import EARLIEST, LATEST_SECONDS
from operators.decoding.payloads.values import conversion
from operators.events import Event, Reading, Row

_CACHED = 2048


@lru_cache(8192)
def _shared(text: str) -> tuple[str | None, str | None]:
    """(device class, unit) of a shared_attrs text; (None, None) where it is damaged."""
    try:
        attributes = loads(text.encode("utf-8", "surrogatepass"))
    except (NotJSON, Undecodable):
        return None, None
    return ha.attribute(attributes, "device_class"), ha.attribute(attributes, "unit_of_measurement")


def _hints(shared: Any) -> tuple[str | None, str | None]:
    if shared.__class__ is str:
        return _shared(shared) if len(shared) <= _CACHED else _shared.__wrapped__(shared)
    if shared.__class__ is bytes:
        return _hints(shared.decode("utf-8", "replace"))
    return ha.attribute(shared, "device_class"), ha.attribute(shared, "unit_of_measurement")


def _utc(moment: Any) -> Any:
    """Epoch of a DATETIME column, as recorders up to schema 30 wrote it: UTC without saying so."""
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def row(builder: ReadingBuilder, values: dict[str, Any], shared: Any) -> None:
    """Write what one row of `states` says.

    `values` are its columns by name, with `entity_id` resolved; `shared` are its attributes.

    Raises `Undecodable` (unresolved, bad_shape) and `Ignored`.
    """
    if "state" not in values or not ("entity_id" in values or "metadata_id" in values):
        raise Undecodable(
            "unresolved",
            f"expected a row with its entity and state, came {', '.join(values)}: a program writes"
            " with binlog_row_image=MINIMAL; have it write with binlog_row_image=FULL",
        )
    entity = values.get("entity_id")
    if entity.__class__ is not str or not entity:
        raise Undecodable(
            "unresolved",
            f"expected a row whose metadata_id is in states_meta; {values.get('metadata_id')!r} is"
            " not: restart the flow's source so that it reads states_meta anew",
        )
    state = values.get("state")
    if state.__class__ is bytes:
        state = state.decode("utf-8", "replace")
    at = values.get("last_updated_ts")
    builder.set_time(_utc(values.get("last_updated")) if at is None else at)
    entity = json_name(entity)
    if state == "":
        builder.put_occurrence(entity, "entity_removed", {})
        return
    means = ha.meaning(entity, *_hints(shared))
    if means is None:
        raise Ignored
    if state.__class__ is str:
        ha.write(builder, entity, means, state)
    elif state is None:
        builder.put_bad(entity, means.metric, None)
    else:
        raise wrong_type(f"text as state of {entity}", state)


def table_row(builder: ReadingBuilder, table: str, op: str, values: dict[str, Any]) -> None:
    """Write what a row event of the binlog says."""
    if op == "delete" or table.rpartition(".")[2] != "states":
        raise Ignored
    row(builder, values, values.get("shared_attrs"))


class _Number(NamedTuple):
    """How the states of a numeric entity become readings: `value * factor + offset`."""

    subject: str
    metric: str
    unit: str | None
    factor: float
    offset: float
    low: float
    high: float


@lru_cache(16384)
def _number(entity: str, shared: str) -> _Number | None:
    """What an entity of these attributes measures; None where its states need another look."""
    subject = json_name(entity)
    means = ha.meaning(subject, *_shared(shared))
    if means is None or subject.partition(".")[0] not in ha.NUMERIC:
        return None
    quantity = METRICS[means.metric]
    factors = conversion(means.metric, means.unit) if means.unit is not None else None
    if quantity.kind != "number" or factors is None:
        return None
    return _Number(subject, means.metric, quantity.unit, *factors, quantity.low, quantity.high)


Cells = tuple[str, float, Any, Any, Any, Any]
"""Of a row: its id and time, and its columns entity_id, shared_attrs, state, last_updated_ts."""


def plain_number(event: Row) -> Reading | None:
    """The reading of a row that says a number of a known quantity, as nearly all do.

    It is the one that `table_row` writes, several times faster; None where that has to look.
    """
    if event.op == "delete":
        return None
    entity, shared, state, at = map(event.values.get, _COLUMNS)
    (reading,) = _plain_numbers(event.table, [(event.id, event.time, entity, shared, state, at)])
    if reading is not None:
        reading.labels = event.labels
    return reading


def with_plain_numbers(rows: LazyRows) -> list[Event]:
    """The `plain_number` of each row, or else the row."""
    columns = map(rows.column, _COLUMNS)
    cells = (repeat(None) if column is None else column for column in columns)
    found = _plain_numbers(rows.layout.table, zip(rows.ids(), rows.times, *cells, strict=False))
    return [rows.one(place) if reading is None else reading for place, reading in enumerate(found)]


_COLUMNS = ("entity_id", "shared_attrs", "state", "last_updated_ts")


def _plain_numbers(table: str, rows: Iterable[Cells]) -> list[Reading | None]:
    if not table.endswith(".states"):
        return [None for _ in rows]
    found: list[Reading | None] = []
    for id, received, entity, shared, state, at in rows:
        if (
            state.__class__ is not str
            or entity.__class__ is not str
            or shared.__class__ is not str
            or at.__class__ is not float
            or not EARLIEST <= at < LATEST_SECONDS
            or at > received
            or "_" in state
            or not state.isascii()
            or len(shared) > _CACHED
            or (number := _number(entity, shared)) is None
        ):
            found.append(None)
            continue
        subject, metric, unit, factor, offset, low, high = number
        try:
            value = float(state) * factor + offset
        except ValueError:
            found.append(None)
            continue
        if not low <= value <= high or value - value != 0.0:
            found.append(None)
            continue
        found.append(
            Reading(
                id=f"{id}.0",
                time=at,
                subject=subject,
                metric=metric,
                value=value,
                unit=unit,
                topic=table,
                raw=state,
            )
        )
    return found


def _read(builder: ReadingBuilder, data: Any) -> None:
    """Read `{"op", "row", "states_meta", "state_attributes"}`."""
    if data.__class__ is not dict or data.get("row").__class__ is not dict:
        raise missing("an object with op and row")
    if data.get("op") == "delete":
        raise Ignored
    if data.get("op") not in ("insert", "update"):
        raise wrong_value("op insert, update or delete", data.get("op"))
    values = dict(data["row"])
    if not values.get("entity_id"):
        values["entity_id"] = _resolve(data.get("states_meta"), values.get("metadata_id"))
    shared = _resolve(data.get("state_attributes"), values.get("attributes_id"))
    row(builder, values, values.get("attributes") if shared is None else shared)


def _resolve(names: Any, key: Any) -> Any:
    return names.get(str(key)) if names.__class__ is dict and key is not None else None


def _route(topic: str, named: bool) -> Route | None:
    if "/" not in topic and topic.rpartition(".")[2] == "states" and "." in topic:
        return Route(_read, "json")
    return Route(_read, "json") if named else None


def _fits(data: Any) -> bool:
    return data.__class__ is dict and "op" in data and "row" in data


DIALECT = Dialect("rows of Home Assistant's table `states`", _route, _read, _fits)
