"""The newest state of each entity of a recorder, also while Home Assistant migrates its rows."""

from collections.abc import Callable
from typing import Any

from connectors.mariadb.homeassistant_recorder import META, STATES, Recorder, time_of
from connectors.mariadb.preflight import quoted

PAGE = 1000
Select = Callable[[str, Any], list[dict[str, Any]]]
"""Rows of a statement with its values."""


def latest_states(
    select: Select, recorder: Recorder, upto: int, after: list[Any] | None
) -> tuple[list[int], list[Any] | None]:
    """Ids of the states that may be the newest of some entities, and where to go on.

    Entities whose names are inline alone come first, by name, then those of `states_meta`, by
    number: a migration that goes on meanwhile moves them only from those to these.
    """
    has_meta = "metadata_id" in recorder.columns
    states = f"{quoted(recorder.schema)}.{STATES}"
    unnamed = " AND s.metadata_id IS NULL" if has_meta else ""
    inline = "entity_id" in recorder.columns and bool(
        select(f"SELECT 1 FROM {states} s WHERE TRUE{unnamed} LIMIT 1", ())  # noqa: S608
    )
    if inline and (after is None or isinstance(after[0], str)):
        page = select(
            f"SELECT DISTINCT s.entity_id FROM {states} s WHERE s.entity_id > %s{unnamed}"  # noqa: S608
            f" AND s.state_id <= {upto:d} ORDER BY s.entity_id LIMIT {PAGE}",
            (after[0] if after else "",),
        )
        names = [row["entity_id"] for row in page]
        by_name = f"s.entity_id = e.entity_id{unnamed}"
        found = select(
            f"SELECT e.entity_id{_newest_of(recorder, [by_name], upto)}"  # noqa: S608
            f" FROM (SELECT DISTINCT entity_id FROM {states} WHERE entity_id IN %s) e",
            ([name for name in names if not recorder.knows(name)] or [""],),
        )
        if len(page) == PAGE:
            return _ids(found), [names[-1]]
        return _ids(found), [0] if has_meta else None
    if not has_meta:
        return [], None
    keys = ["s.metadata_id = e.metadata_id"]
    if inline:
        charset, collation = _collation(select, recorder.schema)
        name = f"CONVERT(e.entity_id USING {charset}) COLLATE {collation}"
        keys.append(f"s.entity_id = {name}{unnamed}")
    found = select(
        f"SELECT e.metadata_id{_newest_of(recorder, keys, upto)}"  # noqa: S608
        f" FROM {quoted(recorder.schema)}.{META} e"
        f" WHERE e.metadata_id > %s ORDER BY e.metadata_id LIMIT {PAGE}",
        (after[0] if after and not isinstance(after[0], str) else 0,),
    )
    return _ids(found), [found[-1]["metadata_id"]] if len(found) == PAGE else None


def _collation(select: Select, schema: str) -> tuple[str, str]:
    """(character set, collation) of the inline names; those of `states_meta` may be others."""
    (row,) = select(
        "SELECT CHARACTER_SET_NAME AS c, COLLATION_NAME AS n FROM information_schema.COLUMNS WHERE"
        " TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLUMN_NAME = 'entity_id'",
        (schema, STATES),
    )
    return row["c"], row["n"]


def newest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest of each entity, of rows that are resolved, in the order of their ids."""
    best: dict[Any, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (time_of(row) or 0.0, row["state_id"])):
        best[row["entity_id"]] = row
    return sorted(best.values(), key=lambda row: int(row["state_id"]))


def _newest_of(recorder: Recorder, keys: list[str], upto: int) -> str:
    """Subqueries for the newest state by each key: of those with an epoch, and of those without."""
    states = f"{quoted(recorder.schema)}.{STATES}"
    times = [name for name in ("last_updated_ts", "last_updated") if name in recorder.columns]
    columns: list[str] = []
    for key in keys:
        for n, time in enumerate(times):
            where = f"{key} AND s.state_id <= {upto:d}" + (f" AND s.{times[0]} IS NULL" * n)
            columns.append(
                f", (SELECT s.state_id FROM {states} s WHERE {where}"  # noqa: S608
                f" ORDER BY s.{time} DESC, s.state_id DESC LIMIT 1)"
                f" AS id{len(columns)}"
            )
    return "".join(columns)


def _ids(found: list[dict[str, Any]]) -> list[int]:
    return [
        number
        for row in found
        for name, number in row.items()
        if name.startswith("id") and number is not None
    ]
