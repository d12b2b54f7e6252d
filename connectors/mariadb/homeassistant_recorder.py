"""Home Assistant's recorder: name, attributes and time of each row of `states`.

Schemas from 25 (Home Assistant 2022.4) on: names are inline or in `states_meta` (from 2023.4 on),
attributes inline or in `state_attributes`, times DATETIME or epochs. While Home Assistant migrates
a database, rows of both kinds stand side by side.
"""

import datetime
import math
from collections.abc import Iterable, Sequence
from typing import Any

from connectors.mariadb.preflight import quoted
from operators.columnar.lazy_rows import LazyRows, RowLayout
from operators.events import Row

STATES, META, ATTRIBUTES = "states", "states_meta", "state_attributes"
ATTRIBUTE_CHARACTERS = 16_000_000
SAME_S = 1e-5
"""Times that differ by less are one: a DATETIME and the epoch that a migration makes of it."""
QUERIED_AT_ONCE = 1000
NEWEST_ATTRIBUTES = 5000
LATEST = 253_402_300_799.0  # the end of the year 9999
STATE_COLUMNS = (
    "entity_id",
    "state",
    "attributes",
    "attributes_id",
    "metadata_id",
    "last_updated_ts",
    "last_updated",
)


class Recorder:
    """Resolves `metadata_id` and `attributes_id` of one recorder database.

    `columns` are those of its `states`. The rows of both tables keep it up to date; it asks the
    server for what it does not know. Names are kept for good (there are some thousands), attributes
    up to 16 million characters; the least used are forgotten first.
    """

    def __init__(self, schema: str, columns: Iterable[str] = STATE_COLUMNS) -> None:
        self.schema = schema
        self.columns = frozenset(columns)
        self._names: dict[int | None, str | None] = {None: None}
        self._attributes: dict[int | None, str | None] = {None: None}
        self._older: dict[int | None, str | None] = {}
        self._characters = 0
        self._connection: Any = None

    @property
    def helpers(self) -> list[tuple[str, str]]:
        """The tables that name what rows of `states` refer to; old recorders have no names."""
        return [(self.schema, META)] * ("metadata_id" in self.columns) + [(self.schema, ATTRIBUTES)]

    def seed(self, connection: Any) -> None:
        """Read all names and the newest attributes; later queries use `connection` too."""
        self._connection = connection
        with connection.cursor() as cursor:
            if "metadata_id" in self.columns:
                cursor.execute(f"SELECT metadata_id, entity_id FROM {quoted(self.schema)}.{META}")  # noqa: S608
                self._names = {None: None, **dict(cursor.fetchall())}
            cursor.execute(
                f"SELECT attributes_id, shared_attrs FROM {quoted(self.schema)}.{ATTRIBUTES} "  # noqa: S608
                f"ORDER BY attributes_id DESC LIMIT {NEWEST_ATTRIBUTES}"
            )
            for key, text in cursor.fetchall():
                self._keep(key, text)

    def knows(self, name: str) -> bool:
        """Whether an entity is in `states_meta`."""
        return name in self._names.values()

    def learn(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """Take new or changed rows of a helper table; those purged there are kept."""
        for row in rows:
            if table == META:
                self._names[row["metadata_id"]] = row["entity_id"]
            else:
                self._keep(row["attributes_id"], row["shared_attrs"])

    def resolve(self, rows: list[dict[str, Any]]) -> None:
        """Set `entity_id` and `shared_attrs` of rows of `states`; None where nothing is known."""
        found = self.looked_up(
            [row.get("metadata_id") for row in rows], [row.get("attributes_id") for row in rows]
        )
        for row, name, text in zip(rows, *found, strict=True):
            if name is not None:
                row["entity_id"] = name
            row["shared_attrs"] = text or row.get("attributes")

    def looked_up(
        self, names: Sequence[int | None], attributes: Sequence[int | None]
    ) -> tuple[list[str | None], list[str | None]]:
        """Return what is known under these numbers of names and attributes, row by row."""
        try:
            return [*map(self._names.__getitem__, names)], [
                *map(self._attributes.__getitem__, attributes)
            ]
        except KeyError:
            self._query_unknown(set(names), set(attributes))
        new, older = self._attributes, self._older
        texts = [new[key] if key in new else older.get(key) for key in attributes]
        return [self._names[key] for key in names], texts

    def changed(self, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Whether an update of `states` says something else.

        What the recorder keeps for itself does not count, nor in which column it keeps the rest.
        """
        if all(old.get(name) == new[name] for name in STATE_COLUMNS if name in new):
            return False
        rows = [dict(old), dict(new)]
        self.resolve(rows)
        was, is_now = rows
        at, at_now = time_of(was) or 0.0, time_of(is_now) or 0.0
        return abs(at - at_now) > SAME_S or any(
            was.get(n) != is_now.get(n) for n in ("entity_id", "state", "shared_attrs")
        )

    def _query_unknown(self, names: set[Any], keys: set[Any]) -> None:
        names, keys = names - self._names.keys(), keys - self._attributes.keys()
        for key in keys & self._older.keys():
            self._attributes[key] = self._older[key]
        unknown = sorted(key for key in keys if key not in self._attributes)
        for key, text in self._query(ATTRIBUTES, "attributes_id", "shared_attrs", unknown).items():
            self._keep(key, text)
        self._names |= self._query(META, "metadata_id", "entity_id", sorted(names))

    def _query(
        self, table: str, key: str, column: str, keys: list[int]
    ) -> dict[int | None, str | None]:
        found: dict[int | None, str | None] = dict.fromkeys(keys)
        for start in range(0, len(keys), QUERIED_AT_ONCE):
            with self._connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT {key}, {column} FROM {quoted(self.schema)}.{table} WHERE {key} IN %s",  # noqa: S608
                    (keys[start : start + QUERIED_AT_ONCE],),
                )
                found |= dict(cursor.fetchall())
        return found

    def _keep(self, key: int | None, text: str | None) -> None:
        self._attributes[key] = text
        self._characters += len(text or "") + 100
        if self._characters > ATTRIBUTE_CHARACTERS // 2:
            self._older, self._attributes, self._characters = self._attributes, {None: None}, 0


_OWN = {
    STATES: ({"state_id", "metadata_id", "attributes_id"}, {"state_id", "entity_id", "state"}),
    META: ({"metadata_id", "entity_id"},),
    ATTRIBUTES: ({"attributes_id", "shared_attrs"},),
}


def is_recorder(table: str, columns: Iterable[str]) -> bool:
    """Whether a table of such a name is Home Assistant's."""
    there = set(columns)
    return any(own <= there for own in _OWN[table])


def refused(schema: str, columns: Iterable[str]) -> str | None:
    """Why a recorder's `states` with these columns is not read."""
    if "attributes_id" in columns:
        return None
    return (
        f"{schema}.{STATES} is of a recorder before Home Assistant 2022.4 (schema 25), whose rows"
        " are not read: upgrade Home Assistant"
    )


def time_of(row: dict[str, Any]) -> float | None:
    """When a state was written (epoch seconds), whichever column says so."""
    at = row.get("last_updated_ts")
    if at is None:
        moment = row.get("last_updated")
        if not isinstance(moment, datetime.datetime):
            return None
        at = moment.replace(tzinfo=datetime.UTC).timestamp()
    return at if 0 < at < LATEST else None


def inserted(
    table: str, rows: list[dict[str, Any]], committed: float, snapshot: bool = False
) -> list[Row]:
    """Events for new rows of `states`, resolved already."""
    return [
        Row(
            id=f"states/{values.get('state_id')}",
            time=committed if (at := time_of(values)) is None else at,
            table=table,
            op="insert",
            values=values,
            snapshot=snapshot,
        )
        for values in rows
    ]


def lazy_rows(
    recorder: Recorder, layout: RowLayout, rows: list[tuple[Any, ...]]
) -> LazyRows | None:
    """New rows of `states`; None where one has no name, or not the time that all have today."""
    made = LazyRows(layout, rows, [], {})
    times: Any = made.column("last_updated_ts")
    meta, attributes = made.column("metadata_id"), made.column("attributes_id")
    if times is None or meta is None or attributes is None:
        return None
    if None in times or not (min(times) > 0 and max(times) < LATEST) or math.isnan(sum(times)):
        return None
    names, texts = recorder.looked_up(meta, attributes)
    if None in names:
        return None
    if (inline := made.column("attributes")) is not None:
        texts = [text or own for text, own in zip(texts, inline, strict=True)]
    return LazyRows(layout, rows, times, {"entity_id": names, "shared_attrs": texts})
