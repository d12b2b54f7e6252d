"""The helper tables of Home Assistant's recorder: name and attributes of each row of `states`."""

from collections.abc import Iterable
from typing import Any

from connectors.mariadb.preflight import quoted
from operators.events import Row

STATES, META, ATTRIBUTES = "states", "states_meta", "state_attributes"
ATTRIBUTE_CHARACTERS = 16_000_000
QUERIED_AT_ONCE = 1000
NEWEST_ATTRIBUTES = 5000
LATEST = 253_402_300_799.0  # the end of the year 9999
STATE_COLUMNS = (
    "state",
    "attributes",
    "attributes_id",
    "metadata_id",
    "last_updated_ts",
    "last_updated",
)


class Recorder:
    """Resolves `metadata_id` and `attributes_id` of one recorder database.

    The rows of both tables keep it up to date; it asks the server for what it does not know. Names
    are kept for good (there are some thousands), attributes up to 16 million characters; the least
    used are forgotten first.
    """

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self._names: dict[int | None, str | None] = {None: None}
        self._attributes: dict[int | None, str | None] = {None: None}
        self._older: dict[int | None, str | None] = {}
        self._characters = 0
        self._connection: Any = None

    def seed(self, connection: Any) -> None:
        """Read all names and the newest attributes; later queries use `connection` too."""
        self._connection = connection
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT metadata_id, entity_id FROM {quoted(self.schema)}.{META}")  # noqa: S608
            self._names = {None: None, **dict(cursor.fetchall())}
            cursor.execute(
                f"SELECT attributes_id, shared_attrs FROM {quoted(self.schema)}.{ATTRIBUTES} "  # noqa: S608
                f"ORDER BY attributes_id DESC LIMIT {NEWEST_ATTRIBUTES}"
            )
            for key, text in cursor.fetchall():
                self._keep(key, text)

    def learn(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """Take new or changed rows of a helper table; those purged there are kept."""
        for row in rows:
            if table == META:
                self._names[row["metadata_id"]] = row["entity_id"]
            else:
                self._keep(row["attributes_id"], row["shared_attrs"])

    def resolve(self, rows: list[dict[str, Any]]) -> None:
        """Set `entity_id` and `shared_attrs` of rows of `states`; None where nothing is known."""
        names, attributes = self._names, self._attributes
        for row in rows:
            name_key, key = row["metadata_id"], row["attributes_id"]
            if name_key not in names or key not in attributes:
                self._query_unknown(rows)
                attributes = self._attributes
            if names[name_key] is not None:
                row["entity_id"] = names[name_key]
            row["shared_attrs"] = attributes[key] if key in attributes else self._older.get(key)

    def _query_unknown(self, rows: list[dict[str, Any]]) -> None:
        names = {row["metadata_id"] for row in rows if row["metadata_id"] not in self._names}
        keys = {
            row["attributes_id"] for row in rows if row["attributes_id"] not in self._attributes
        }
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
    STATES: {"state_id", "metadata_id", "attributes_id"},
    META: {"metadata_id", "entity_id"},
    ATTRIBUTES: {"attributes_id", "shared_attrs"},
}


def is_recorder(table: str, columns: Iterable[str]) -> bool:
    """Whether a table of such a name is Home Assistant's."""
    return _OWN[table] <= set(columns)


def changes_state(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether an update of `states` changes more than the recorder's bookkeeping (a purge)."""
    return any(before.get(name) != after.get(name) for name in STATE_COLUMNS)


def inserted(
    table: str, rows: list[dict[str, Any]], committed: float, snapshot: bool = False
) -> list[Row]:
    """Events for new rows of `states`, resolved already."""
    return [
        Row(
            id=f"states/{values['state_id']}",
            time=at if (at := values.get("last_updated_ts")) and 0 < at < LATEST else committed,
            table=table,
            op="insert",
            values=values,
            snapshot=snapshot,
        )
        for values in rows
    ]
