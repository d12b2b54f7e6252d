"""The same statements, read from the binary log by Debezium and by us.

What differs is listed with who is right in docs/testing.md, "Beside Debezium".
"""

import json
import random
from pathlib import Path

import pytest

from operators.events import Row, encode_lines
from tests.connectors.mariadb.test_values import TYPES
from tests.debezium.engine import Debezium
from tests.recorder import RecorderDatabase, Watching

DOCUMENT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
DIFFERENT = (
    "BIGINT UNSIGNED", "BIT", "FLOAT(7,2)", "YEAR", "DATE", "DATETIME", "TIMESTAMP", "TIME",
    "BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "COMPRESSED", "ENUM",
    "UUID", "POINT", "GEOMETRY",
)  # fmt: skip
"""How types begin, or end, of which some values differ."""
ENDS_IT = ("INET4", "INET6")
ROWS = 12
GOES_ON = {
    "event.processing.failure.handling.mode": "warn",
    "inconsistent.schema.handling.mode": "warn",
}
"""With these, Debezium does not end at a value that it cannot read."""


def is_listed(kind: str) -> bool:
    return kind.startswith(DIFFERENT) or kind.endswith("COMPRESSED")


def values_of(row: Row) -> dict[str, object]:
    values: dict[str, object] = json.loads(encode_lines([row]))["values"]
    return values


def snapshot_is_over(engine: Debezium) -> None:
    engine.until(lambda: engine.of("marker"), "the snapshot")


def all_is_read(db: RecorderDatabase, live: Watching, engine: Debezium) -> None:
    db.run("INSERT INTO marker VALUES (1)")
    live.until(
        lambda: [row for row in live.rows if row.table.endswith(".marker")], "our marker", 300
    )
    engine.until(lambda: len(engine.of("marker")) == 2, "Debezium's marker")


def test_values_differ_from_debeziums_only_where_it_is_documented(db: RecorderDatabase) -> None:
    tables = {f"t{n}": kind for n, kind in enumerate(TYPES) if kind not in ENDS_IT}
    for table, kind in tables.items():
        db.run(f"CREATE TABLE {table}(id INT PRIMARY KEY, v {kind}) CHARSET utf8mb4")
    names = [*tables, "marker"]
    with Watching(db.url, snapshot=False, tables=names) as live:
        live.until_live()
        with Debezium(db, names, **GOES_ON) as engine:
            snapshot_is_over(engine)
            for table, kind in tables.items():
                chance = random.Random(kind)
                for n in range(ROWS):
                    made = TYPES[kind](chance)
                    if kind in ("POINT", "GEOMETRY"):
                        made = f"ST_GeomFromText('POINT({made[1:-1]})', 4326)"
                    with db.admin.cursor() as cursor:
                        cursor.execute(f"INSERT INTO {table}(id, v) VALUES ({n}, {made})")
            all_is_read(db, live, engine)
    different = {}
    for table, kind in tables.items():
        ours = [values_of(row) for row in live.rows if row.table.endswith(f".{table}")]
        theirs = [change["after"] for change in engine.of(table)]
        assert len(ours) == ROWS
        if ours != theirs:
            different[kind] = list(zip(ours, theirs, strict=False))[:3]
    assert {kind: pairs for kind, pairs in different.items() if not is_listed(kind)} == {}
    assert [word for word in DIFFERENT if f"`{word}" not in DOCUMENT] == []


CHANGES: dict[str, tuple[list[str], list[str], list[str]]] = {
    "committed": (
        ["XA START 'a'", "INSERT INTO {t} VALUES (1, 1)", "XA END 'a'", "XA PREPARE 'a'",
         "XA COMMIT 'a'"],
        ["insert 1"], ["c 1"],
    ),
    "rolled_back": (
        ["XA START 'b'", "INSERT INTO {t} VALUES (1, 1)", "XA END 'b'", "XA PREPARE 'b'",
         "XA ROLLBACK 'b'"],
        [], ["c 1"],
    ),
    "with_temporary": (
        ["BEGIN", "CREATE TEMPORARY TABLE other(id INT)", "INSERT INTO {t} VALUES (1, 1)",
         "ROLLBACK"],
        [], ["c 1"],
    ),
    "savepoint": (
        ["BEGIN", "INSERT INTO {t} VALUES (1, 1)", "SAVEPOINT s", "INSERT INTO {t} VALUES (2, 2)",
         "ROLLBACK TO s", "COMMIT"],
        ["insert 1"], ["c 1"],
    ),
    "new_key": (
        ["INSERT INTO {t} VALUES (1, 1)", "UPDATE {t} SET id = 2"],
        ["insert 1", "delete 1", "insert 2"], ["c 1", "d 1", "c 2"],
    ),
    "new_column": (
        ["INSERT INTO {t} VALUES (1, 1)", "ALTER TABLE {t} ADD COLUMN w INT FIRST",
         "INSERT INTO {t} VALUES (3, 2, 3)"],
        ["insert 1", "insert 2"], ["c 1", "c 2"],
    ),
    "truncated": (
        ["INSERT INTO {t} VALUES (1, 1)", "TRUNCATE {t}"], ["insert 1"], ["c 1"],
    ),
}  # fmt: skip
"""Statements on the table `t`, what we make of them, and what Debezium makes of them."""


def test_changes_are_debeziums_but_for_what_was_rolled_back(db: RecorderDatabase) -> None:
    for table in CHANGES:
        db.run(f"CREATE TABLE {table}(id INT PRIMARY KEY, v INT)")
    names = [*CHANGES, "marker"]
    with Watching(db.url, snapshot=False, tables=names) as live:
        live.until_live()
        with Debezium(db, names) as engine:
            snapshot_is_over(engine)
            for table, (statements, _, _) in CHANGES.items():
                for statement in statements:
                    db.run(statement.format(t=table))
            all_is_read(db, live, engine)
    ours = {
        table: [f"{row.op} {row.values['id']}" for row in live.rows if row.table.endswith(table)]
        for table in CHANGES
    }
    theirs = {
        table: [f"{one['op']} {(one['after'] or one['before'])['id']}" for one in engine.of(table)]
        for table in CHANGES
    }
    assert ours == {table: expected for table, (_, expected, _) in CHANGES.items()}
    assert theirs == {table: expected for table, (_, _, expected) in CHANGES.items()}


@pytest.mark.parametrize(
    ("table", "statement", "said"),
    [
        ("v INET6", "SELECT 1", "no viable alternative"),
        ("v INET4", "SELECT 1", "no viable alternative"),
        ("v INT) WITH SYSTEM VERSIONING -- ", "INSERT INTO it VALUES (1, 1)", "row size 4"),
        (
            "v INT",
            "SET STATEMENT binlog_row_image = MINIMAL FOR DELETE FROM it",
            "row size 1",
        ),
    ],
    ids=["inet6", "inet4", "versioned", "minimal"],
)
def test_what_we_read_and_debezium_ends_at(
    db: RecorderDatabase, table: str, statement: str, said: str
) -> None:
    db.run(f"CREATE TABLE it(id INT PRIMARY KEY, {table}\n)".replace("-- \n)", ""))
    if statement.endswith("it"):
        db.run("INSERT INTO it VALUES (0, 0)")
    with Watching(db.url, snapshot=False, tables=["it", "marker"]) as live:
        live.until_live()
        with Debezium(db, ["it", "marker"]) as engine:
            if statement != "SELECT 1":
                snapshot_is_over(engine)
            db.run(statement)
            db.run("INSERT INTO marker VALUES (1)")
            assert said in engine.until_ended()
        live.until(
            lambda: [row for row in live.rows if row.table.endswith(".marker")], "our marker"
        )
