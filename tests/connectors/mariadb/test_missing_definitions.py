"""What the log leaves out of a table is proved or refused by name; it is never guessed, and one
table stops no other.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.mariadb.binlog.statements import lost_changes, table_changes
from infra.embedded.mariadb import MariaDB
from tests.recorder import RecorderDatabase, Watching

TABLES = ["meters", "rooms"]


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> Iterator[RecorderDatabase]:
    db = RecorderDatabase(mariadb, unique)
    db.run("CREATE TABLE rooms(id INT PRIMARY KEY, name VARCHAR(20))")
    yield db
    db.run("SET GLOBAL binlog_row_metadata = FULL")


def while_away(db: RecorderDatabase, table: str, *statements: str) -> Watching:
    """A reader that comes back after statements; the last one is of the other table."""
    db.run(f"CREATE TABLE meters({table})")
    with Watching(db.url, tables=TABLES, snapshot=False) as before:
        before.until_live()
        position = before.position
    for statement in statements:
        db.run(statement)
    db.run("INSERT INTO rooms VALUES (1, 'attic')")
    with Watching(db.url, position, tables=TABLES, snapshot=False) as after:
        after.until(lambda: after.rows and after.rows[-1].table.endswith("rooms"), "the last row")
        assert not after.health.down
    return after


@pytest.mark.parametrize(
    ("table", "row", "change"),
    [
        ("a INT, b INT", "1, 2", "MODIFY a INT AFTER b"),
        ("a INT UNSIGNED, b INT", "1, 2", "MODIFY a INT"),
        ("e ENUM('x', 'y'), b INT", "'x', 2", "MODIFY e ENUM('y', 'x')"),
        ("a INT, b INT", "1, 2", "ADD COLUMN c INT"),
        ("a VARCHAR(20) CHARACTER SET latin1", "'é'", "CONVERT TO CHARACTER SET utf8mb4"),
        ("a BINARY(16)", "'0123456789abcdef'", "MODIFY a INET6"),
        ("a INT, b INT", "1, 2", "RENAME TO other"),
    ],
)
def test_without_names_in_the_log_rows_before_a_change_are_refused_and_later_ones_read(
    db: RecorderDatabase, table: str, row: str, change: str
) -> None:
    db.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    watching = while_away(
        db,
        table,
        f"INSERT INTO meters VALUES ({row})",
        f"/* a tool */ ALTER TABLE meters {change}",
        "INSERT INTO rooms VALUES (2, 'cellar')",
    )
    assert [row.values for row in watching.rows] == [
        {"id": 2, "name": "cellar"},
        {"id": 1, "name": "attic"},
    ]
    (letter,) = watching.letters
    assert letter.reason == "unknown_columns"
    assert f"table {db.name}.meters was changed after these rows were written" in letter.detail
    assert "binlog_row_metadata=FULL" in letter.detail


def test_without_names_in_the_log_rows_after_the_last_change_are_read(db: RecorderDatabase) -> None:
    db.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    watching = while_away(
        db,
        "a INT UNSIGNED, b INT",
        "ALTER TABLE meters ADD KEY (a)",
        "INSERT INTO meters VALUES (1, 2)",
        "ALTER TABLE meters CHANGE a c INT UNSIGNED AFTER b",
        "INSERT INTO meters VALUES (3, 4000000000)",
    )
    assert watching.rows[0].values == {"b": 3, "c": 4000000000}
    assert len(watching.letters) == 1


def test_a_change_while_the_log_is_followed_is_read_with_what_the_table_is_then(
    db: RecorderDatabase,
) -> None:
    db.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    db.run("CREATE TABLE meters(a INT, b INT)")
    with Watching(db.url, tables=TABLES, snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO meters VALUES (1, 2)")
        watching.until_rows(1)
        db.run("ALTER TABLE meters MODIFY a INT AFTER b")
        db.run("INSERT INTO meters VALUES (3, 4)")
        watching.until_rows(2)
    assert [row.values for row in watching.rows] == [{"a": 1, "b": 2}, {"b": 3, "a": 4}]
    assert watching.letters == []


def test_with_names_in_the_log_all_rows_before_a_change_are_read(db: RecorderDatabase) -> None:
    watching = while_away(
        db,
        "a INT UNSIGNED, u UUID, e ENUM('x', 'y')",
        "INSERT INTO meters VALUES (1, '123e4567-e89b-12d3-a456-426655440000', 'x')",
        "ALTER TABLE meters MODIFY e ENUM('y', 'x') FIRST, MODIFY a INT, ADD COLUMN n INT",
        "DELETE FROM meters",
    )
    assert watching.rows[0].values == {
        "a": 1,
        "u": "123e4567-e89b-12d3-a456-426655440000",
        "e": "x",
    }
    assert watching.letters == []


def test_a_uuid_that_was_bytes_before_is_refused_and_stops_no_other_table(
    db: RecorderDatabase,
) -> None:
    watching = while_away(
        db,
        "id INT PRIMARY KEY, u BINARY(16)",
        "INSERT INTO meters VALUES (1, '0123456789abcdef')",
        "ALTER TABLE meters MODIFY u UUID",
        "INSERT INTO meters VALUES (2, '123e4567-e89b-12d3-a456-426655440000')",
    )
    assert [row.values.get("u") for row in watching.rows[:-1]] == [
        "123e4567-e89b-12d3-a456-426655440000"
    ]
    assert [letter.reason for letter in watching.letters] == ["unknown_columns"]


@pytest.mark.parametrize("change", ["ADD KEY (id)", "ADD SYSTEM VERSIONING"])
def test_columns_that_the_server_adds_are_left_out_where_the_log_has_no_names(
    db: RecorderDatabase, change: str
) -> None:
    db.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    watching = while_away(
        db,
        "id INT PRIMARY KEY, name TEXT UNIQUE, also TEXT UNIQUE",
        f"ALTER TABLE meters {change}",
        "INSERT INTO meters VALUES (1, 'a', 'b')",
        "UPDATE meters SET name = 'c'",
    )
    assert [(row.op, row.values) for row in watching.rows[:-1]] == [
        ("insert", {"id": 1, "name": "a", "also": "b"}),
        ("update", {"id": 1, "name": "c", "also": "b"}),
    ]


@pytest.mark.parametrize("metadata", ["FULL", "NO_LOG"])
def test_a_table_that_was_dropped_meanwhile_stops_no_other(
    db: RecorderDatabase, metadata: str
) -> None:
    db.run(f"SET GLOBAL binlog_row_metadata = {metadata}")
    watching = while_away(
        db, "id INT PRIMARY KEY", "INSERT INTO meters VALUES (1)", "DROP TABLE meters"
    )
    named = metadata == "FULL"
    assert len(watching.rows) == 1 + named
    assert [letter.reason for letter in watching.letters] == ["unknown_columns"] * (not named)
    assert watching.counts["dropped"] == 1


def test_values_that_a_session_leaves_out_of_the_log_are_unknown_and_said_once(
    db: RecorderDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, name VARCHAR(9), v DOUBLE, note TEXT)")
    db.run("INSERT INTO meters VALUES (1, 'attic', 1, 'a')")
    with Watching(db.url, tables=["meters"], snapshot=False) as watching:
        watching.until_live()
        db.run("SET SESSION binlog_row_image = MINIMAL")
        db.run("UPDATE meters SET note = NULL")
        db.run("UPDATE meters SET v = 2")
        db.run("DELETE FROM meters")
        db.run("SET SESSION binlog_row_image = FULL")
        watching.until_rows(3)
    assert [row.values for row in watching.rows] == [
        {"note": None, "id": 1},
        {"v": 2.0, "id": 1},
        {"id": 1},
    ]
    assert watching.counts == {"partial": 3}
    said = [record.getMessage() for record in caplog.records]
    assert ["binlog_row_image=FULL" in text for text in said] == [True]


def test_a_value_that_cannot_be_read_spoils_its_row_alone(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, name VARCHAR(9) CHARACTER SET eucjpms, v INT)")
    with Watching(db.url, tables=["meters"], snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO meters VALUES (1, 'a', 1), (2, _eucjpms x'ADA1', 2), (3, 'c', 3)")
        db.run("UPDATE meters SET name = 'b' WHERE id = 2")
        watching.until_rows(3)
    assert [(row.op, row.values["id"]) for row in watching.rows] == [
        ("insert", 1),
        ("insert", 3),
        ("update", 2),
    ]
    (letter,) = watching.letters
    assert letter.reason == "undecodable"
    assert f"row 2 of {db.name}.meters is left out: column name" in letter.detail
    assert letter.payload == b'{"id":2,"v":2}'


WATCHED = frozenset({("d", "t"), ("d", "a b"), ("e", "t")})


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("ALTER TABLE t ADD c INT", ["d.t"]),
        ("-- a note\n alter ignore table `e`.`t` modify c int", ["e.t"]),
        ("ALTER TABLE t ADD INDEX (c), COMMENT='MODIFY'", ["d.t"]),
        ("ALTER TABLE t ADD INDEX (c), ENGINE=InnoDB", []),
        ("ALTER TABLE other RENAME TO `a b`", ["d.a b"]),
        ("RENAME TABLE other TO t, e.t TO d.x", ["d.t", "e.t"]),
        ("DROP TABLE IF EXISTS other, `t` /* generated by server */", ["d.t"]),
        ("DROP DATABASE `e`", ["e.t"]),
        ("CREATE OR REPLACE TABLE t SELECT 1 AS id", ["d.t"]),
        ("CREATE TABLE IF NOT EXISTS t(id INT)", ["d.t"]),
        ("/*!50001 ALTER TABLE t ADD c INT */", ["d.t"]),
        ('ALTER TABLE "t" ADD c INT', ["d.t"]),  # sql_mode=ANSI_QUOTES
        ('RENAME TABLE "a b" TO "x", "e" . "t" TO "d"."t"', ["d.a b", "d.t", "e.t"]),
        ("CREATE TEMPORARY TABLE t(id INT)", []),
        ("CREATE VIEW v AS SELECT * FROM t", []),
        ("INSERT INTO t VALUES (1)", []),
    ],
)
def test_a_statement_that_may_change_columns_is_known(statement: str, changed: list[str]) -> None:
    found: list[Any] = table_changes("d", statement, WATCHED)
    assert [".".join(name) for name, _ in found] == changed


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("-- why\n# because\n/* a tool */ truncate table t", {"d.t": "truncated"}),
        ("/*!50001 INSERT INTO t VALUES (1) */", {"d.t": "statement"}),
        ("SET STATEMENT max_statement_time=9 FOR DELETE FROM `a b`", {"d.a b": "statement"}),
        ("CREATE TABLE t AS SELECT 1 AS id", {"d.t": "statement"}),
        ("CREATE TABLE t(id INT COMMENT 'select')", {}),
        ("CREATE OR REPLACE TABLE t(id INT)", {"d.t": "dropped"}),
        (
            "DROP TABLE IF EXISTS `t`, `e`.`t` /* generated by server */",
            {"d.t": "dropped", "e.t": "dropped"},
        ),
        ("DROP DATABASE IF EXISTS e", {"e.t": "dropped"}),
        ("RENAME TABLE t TO old, other TO t", {"d.t": "replaced"}),
        ("ALTER TABLE t RENAME TO old", {"d.t": "dropped"}),
        ("ALTER TABLE other RENAME AS `a b`", {"d.a b": "replaced"}),
        ("ALTER TABLE t RENAME COLUMN a TO b", {}),
        ("ALTER TABLE other EXCHANGE PARTITION p WITH TABLE t", {"d.t": "exchanged"}),
        ("ALTER TABLE t DROP PARTITION p", {"d.t": "exchanged"}),
        ("ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (9))", {}),
        ("ALTER TABLE t IMPORT TABLESPACE", {"d.t": "exchanged"}),
        ('DROP TABLE "t", "e"."t"', {"d.t": "dropped", "e.t": "dropped"}),
        ('TRUNCATE "e"."t"', {"e.t": "truncated"}),
        ("TRUNCATE TABLE other.t", {}),
        ("DELETE FROM `e` . `t`", {"e.t": "statement"}),
        ("UPDATE t SET v = (SELECT max(t) FROM e.other)", {"d.t": "statement"}),
        ("DROP TEMPORARY TABLE t", {}),
        ("DELETE FROM $t", {}),
    ],
)
def test_a_statement_that_changes_rows_and_names_none_is_known(
    statement: str, lost: dict[str, str]
) -> None:
    found: list[Any] = lost_changes("d", statement, WATCHED)
    assert {".".join(name): how for name, how in found} == lost


def test_a_statement_of_a_session_without_a_database_names_it() -> None:
    assert lost_changes("", "TRUNCATE e.t", WATCHED) == [(("e", "t"), "truncated")]
    assert lost_changes("", "TRUNCATE t", WATCHED) == []


def test_what_empties_or_replaces_a_table_is_told_by_name(db: RecorderDatabase) -> None:
    db.run(
        "CREATE TABLE meters(id INT PRIMARY KEY) PARTITION BY RANGE(id) (PARTITION p0 VALUES LESS"
        " THAN (10))"
    )
    db.run("CREATE TABLE other(id INT PRIMARY KEY)")
    with Watching(db.url, tables=TABLES, snapshot=False) as watching:
        watching.until_live()
        for statement in (
            "TRUNCATE meters",
            "ALTER TABLE meters EXCHANGE PARTITION p0 WITH TABLE other",
            "RENAME TABLE meters TO old, other TO meters",
            "CREATE OR REPLACE TABLE meters(PRIMARY KEY (id)) SELECT 7 AS id",
            "DROP TABLE meters",
            "INSERT INTO rooms VALUES (1, 'attic')",
        ):
            db.run(statement)
        watching.until_rows(2)
    assert [row.values["id"] for row in watching.rows] == [7, 1]
    told = [letter.reason for letter in watching.letters]
    assert told == ["truncated", "exchanged", "replaced"]
    assert watching.counts == {"truncated": 1, "exchanged": 1, "replaced": 1, "dropped": 2}
