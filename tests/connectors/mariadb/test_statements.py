"""What each kind of statement makes of a watched table: rows, or a word for what no log names.

All cases are written to one server while a reader follows, then read again from the beginning.
"""

import datetime
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from pymysql.err import MySQLError

from infra.embedded.mariadb import MariaDB
from operators.events import Row
from tests.recorder import RecorderDatabase, Watching

pytestmark = pytest.mark.slow

PLAIN = "CREATE TABLE {t}(id INT PRIMARY KEY, v INT)"
PARTED = (
    f"{PLAIN} PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (2),"
    " PARTITION high VALUES LESS THAN MAXVALUE)"
)
ONE = "INSERT INTO {t} VALUES (1, 10)"
TWO = "INSERT INTO {t} VALUES (1, 10), (2, 20)"
MOMENT = datetime.datetime(2026, 7, 1, 12, 0, 0)
INSTANT = MOMENT.replace(tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Case:
    """Statements on a table `{t}`, the rows that they make, and the reasons of dead letters.

    A row is (operation, value of each column). Where `is_whole`, rows that are put together give
    what the table holds.
    """

    statements: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    table: str = PLAIN
    letters: list[str] = field(default_factory=list)
    is_whole: bool = True


CASES = {
    # ------------------------------------------------------------------------ rows
    "insert_ignore": Case(
        (ONE, "INSERT IGNORE INTO {t} VALUES (1, 11), (2, 20)"),
        [("insert", 1, 10), ("insert", 2, 20)],
    ),
    "replace": Case(
        (ONE, "REPLACE INTO {t} VALUES (1, 11)"), [("insert", 1, 10), ("update", 1, 11)]
    ),
    "on_duplicate_key": Case(
        (ONE, "INSERT INTO {t} VALUES (1, 0), (2, 20) ON DUPLICATE KEY UPDATE v = v + 1"),
        [("insert", 1, 10), ("update", 1, 11), ("insert", 2, 20)],
    ),
    "update_that_changes_nothing": Case((ONE, "UPDATE {t} SET v = 10"), [("insert", 1, 10)]),
    "update_limit": Case(
        (TWO, "UPDATE {t} SET v = v + 1 ORDER BY id DESC LIMIT 1"),
        [("insert", 1, 10), ("insert", 2, 20), ("update", 2, 21)],
    ),
    "delete_all": Case(
        (TWO, "DELETE FROM {t}"),
        [("insert", 1, 10), ("insert", 2, 20), ("delete", 1, 10), ("delete", 2, 20)],
    ),
    "delete_returning": Case(
        (ONE, "DELETE FROM {t} RETURNING id"), [("insert", 1, 10), ("delete", 1, 10)]
    ),
    "tables_of_one_statement": Case(
        (
            "CREATE TABLE {t}_b(id INT PRIMARY KEY, v INT)",
            ONE,
            "INSERT INTO {t}_b VALUES (1, 5), (2, 6)",
            "UPDATE {t} a JOIN {t}_b b USING (id) SET a.v = b.v, b.v = 7",
            "DELETE a, b FROM {t} a JOIN {t}_b b USING (id)",
        ),
        [("insert", 1, 10), ("update", 1, 5), ("delete", 1, 5)],
    ),
    "insert_select": Case(
        ("INSERT INTO {t} WITH n AS (SELECT 1 AS id UNION SELECT 2) SELECT id, id * 10 FROM n",),
        [("insert", 1, 10), ("insert", 2, 20)],
    ),
    "view": Case(
        (
            "CREATE VIEW {t}_view AS SELECT * FROM {t} WHERE v > 5",
            "INSERT INTO {t}_view VALUES (1, 9)",
        ),
        [("insert", 1, 9)],
    ),
    "trigger": Case(
        (
            "CREATE TABLE {t}_by(id INT)",
            "CREATE TRIGGER {t}_tr AFTER INSERT ON {t}_by FOR EACH ROW"
            " INSERT INTO {t} VALUES (NEW.id, NEW.id * 10)",
            "INSERT INTO {t}_by VALUES (1), (2)",
        ),
        [("insert", 1, 10), ("insert", 2, 20)],
    ),
    "trigger_changes_the_row": Case(
        ("CREATE TRIGGER {t}_tr BEFORE INSERT ON {t} FOR EACH ROW SET NEW.v = NEW.v * 2", ONE),
        [("insert", 1, 20)],
    ),
    "procedure": Case(
        (
            "CREATE PROCEDURE {t}_p() BEGIN INSERT INTO {t} VALUES (1, 10);"
            " UPDATE {t} SET v = 11; END",
            "CREATE PROCEDURE {t}_q() TRUNCATE TABLE {t}",
            "CALL {t}_p()",
        ),
        [("insert", 1, 10), ("update", 1, 11)],
    ),
    "prepared_and_immediate": Case(
        ("EXECUTE IMMEDIATE 'INSERT INTO {t} VALUES (?, ?)' USING 1, 10",), [("insert", 1, 10)]
    ),
    "parent_of_a_cascade": Case(
        (
            "CREATE TABLE {t}_kid(id INT PRIMARY KEY, of_id INT REFERENCES {t}(id)"
            " ON DELETE CASCADE)",
            ONE,
            "INSERT INTO {t}_kid VALUES (1, 1)",
            "DELETE FROM {t}",
        ),
        [("insert", 1, 10), ("delete", 1, 10)],
    ),
    "without_a_key": Case(
        ("INSERT INTO {t} VALUES (1, 10), (1, 10)", "DELETE FROM {t} LIMIT 1"),
        [("insert", 1, 10), ("insert", 1, 10), ("delete", 1, 10)],
        table="CREATE TABLE {t}(id INT, v INT)",
        is_whole=False,
    ),
    "portion_of_a_period": Case(
        (
            "INSERT INTO {t} VALUES (1, '2026-01-01', '2026-12-31')",
            "UPDATE {t} FOR PORTION OF p FROM '2026-03-01' TO '2026-04-01' SET id = 2",
        ),
        [
            ("insert", 1, datetime.date(2026, 1, 1), datetime.date(2026, 12, 31)),
            ("update", 2, datetime.date(2026, 3, 1), datetime.date(2026, 4, 1)),
            ("insert", 1, datetime.date(2026, 1, 1), datetime.date(2026, 3, 1)),
            ("insert", 1, datetime.date(2026, 4, 1), datetime.date(2026, 12, 31)),
        ],
        table="CREATE TABLE {t}(id INT, f DATE, u DATE, PERIOD FOR p(f, u))",
        is_whole=False,
    ),
    # ------------------------------------------------------------------------ transactions
    "rolled_back": Case(("BEGIN", ONE, "ROLLBACK"), []),
    "an_engine_without_transactions": Case(
        ("BEGIN", ONE, "ROLLBACK"),
        [("insert", 1, 10)],
        table=f"{PLAIN} ENGINE=Aria TRANSACTIONAL=0",
    ),
    "two_engines": Case(
        (
            "CREATE TABLE {t}_plain(id INT) ENGINE=MyISAM",
            "BEGIN",
            ONE,
            "INSERT INTO {t}_plain VALUES (1)",
            "ROLLBACK",
        ),
        [],
    ),
    "a_statement_that_fails_in_the_middle": Case(
        ("BEGIN", ONE, "!INSERT INTO {t} VALUES (2, 20), (1, 11)", "COMMIT"), [("insert", 1, 10)]
    ),
    "ddl_commits": Case(
        ("BEGIN", ONE, "CREATE TABLE {t}_other(n INT)", "ROLLBACK"), [("insert", 1, 10)]
    ),
    "domain_of_its_own": Case(
        (
            "SET SESSION gtid_domain_id = 5, server_id = 9",
            ONE,
            "SET SESSION gtid_domain_id = 0",
            "UPDATE {t} SET v = 11",
            "SET SESSION server_id = 1",
        ),
        [("insert", 1, 10), ("update", 1, 11)],
    ),
    "not_logged": Case(
        ("SET SESSION sql_log_bin = 0", ONE, "SET SESSION sql_log_bin = 1"), [], is_whole=False
    ),
    "new_file": Case(
        (ONE, "FLUSH BINARY LOGS", "UPDATE {t} SET v = 11"), [("insert", 1, 10), ("update", 1, 11)]
    ),
    # ------------------------------------------------------------------------ columns
    "add_instant": Case(
        (
            ONE,
            "ALTER TABLE {t} ADD COLUMN w VARCHAR(9) DEFAULT 'x' AFTER id, ALGORITHM=INSTANT",
            "UPDATE {t} SET v = 11",
        ),
        [("insert", 1, 10), ("update", 1, "x", 11)],
    ),
    "drop_instant": Case(
        (
            "INSERT INTO {t} VALUES (1, 'a', 10)",
            "ALTER TABLE {t} DROP COLUMN w, ALGORITHM=INSTANT",
            "UPDATE {t} SET v = 11",
        ),
        [("insert", 1, "a", 10), ("update", 1, 11)],
        table="CREATE TABLE {t}(id INT PRIMARY KEY, w VARCHAR(9), v INT)",
    ),
    "move_instant": Case(
        (
            ONE,
            "ALTER TABLE {t} MODIFY v INT FIRST, ALGORITHM=INSTANT",
            "INSERT INTO {t} VALUES (20, 2)",
        ),
        [("insert", 1, 10), ("insert", 20, 2)],
    ),
    "rename_column": Case(
        (ONE, "ALTER TABLE {t} RENAME COLUMN v TO w", "UPDATE {t} SET w = 11"),
        [("insert", 1, 10), ("update", 1, 11)],
    ),
    "other_type": Case(
        (
            ONE,
            "ALTER TABLE {t} MODIFY v BIGINT UNSIGNED",
            "UPDATE {t} SET v = 18446744073709551615",
            "ALTER TABLE {t} MODIFY v DECIMAL(20)",
            "INSERT INTO {t} VALUES (2, -1)",
        ),
        [("insert", 1, 10), ("update", 1, 2**64 - 1), ("insert", 2, Decimal(-1))],
        is_whole=False,
    ),
    "other_members": Case(
        (
            "INSERT INTO {t} VALUES (1, 'b', 'x,y')",
            "ALTER TABLE {t} MODIFY e ENUM('c', 'b', 'a'), MODIFY s SET('y', 'x', 'z')",
            "UPDATE {t} SET id = 2",
            "UPDATE {t} SET e = 'c', s = 'z,x'",
        ),
        [
            ("insert", 1, "b", "x,y"),
            ("delete", 1, "b", "y,x"),
            ("insert", 2, "b", "y,x"),
            ("update", 2, "c", "x,z"),
        ],
        table="CREATE TABLE {t}(id INT PRIMARY KEY, e ENUM('a', 'b'), s SET('x', 'y'))",
    ),
    "other_character_set": Case(
        (
            "INSERT INTO {t} VALUES (1, 'é')",
            "ALTER TABLE {t} CONVERT TO CHARACTER SET utf8mb4",
            "INSERT INTO {t} VALUES (2, '€😀')",
        ),
        [("insert", 1, "é"), ("insert", 2, "€😀")],
        table="CREATE TABLE {t}(id INT PRIMARY KEY, v VARCHAR(9)) CHARACTER SET latin1",
    ),
    "two_phases_of_an_alter": Case(
        (
            ONE,
            "SET SESSION binlog_alter_two_phase = 1",
            "ALTER TABLE {t} ADD COLUMN w INT DEFAULT 5",
            "!ALTER TABLE {t} ADD UNIQUE KEY (nothing)",
            "SET SESSION binlog_alter_two_phase = 0",
            "INSERT INTO {t} VALUES (2, 20, 6)",
        ),
        [("insert", 1, 10), ("insert", 2, 20, 6)],
        is_whole=False,
    ),
    "upkeep": Case(
        (
            ONE,
            "ALTER TABLE {t} ADD INDEX (v), COMMENT 'meters', ENGINE=InnoDB, FORCE",
            "ALTER TABLE {t} DROP INDEX v",
            "OPTIMIZE TABLE {t}",
            "ANALYZE TABLE {t}",
            "CREATE TABLE IF NOT EXISTS {t}(id INT)",
            "CREATE TABLE {t}_like LIKE {t}",
            "GRANT SELECT ON {t} TO admin@127.0.0.1",
            "UPDATE {t} SET v = 11",
        ),
        [("insert", 1, 10), ("update", 1, 11)],
    ),
    "made_columns": Case(
        (
            "INSERT INTO {t}(id) VALUES (1)",
            "UPDATE {t} SET h = 8",
        ),
        [("insert", 1, 2, 3, 7, "c"), ("update", 1, 2, 3, 8, "c")],
        table=(
            "CREATE TABLE {t}(id INT PRIMARY KEY, g INT AS (id + 1) VIRTUAL, p INT AS (id + 2)"
            " PERSISTENT, h INT INVISIBLE DEFAULT 7, c TEXT COMPRESSED DEFAULT ('c'))"
        ),
        is_whole=False,
    ),
    "sequence": Case(
        (
            "CREATE SEQUENCE {t}_s START WITH 5",
            "ALTER TABLE {t} MODIFY v INT DEFAULT NEXTVAL({t}_s)",
            "INSERT INTO {t}(id) VALUES (1), (2)",
            "SELECT SETVAL({t}_s, 90)",
        ),
        [("insert", 1, 5), ("insert", 2, 6)],
    ),
    "serial": Case(
        ("INSERT INTO {t}(v) VALUES (10)", "INSERT INTO {t} VALUES (0, 20), (NULL, 30)"),
        [("insert", 1, 10), ("insert", 2, 20), ("insert", 3, 30)],
        table="CREATE TABLE {t}(id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
    ),
    # ------------------------------------------------------------------------ settings of sessions
    "zones_of_sessions": Case(
        (
            "SET SESSION time_zone = '+02:00'",
            "INSERT INTO {t} VALUES (1, '2026-07-01 14:00:00', '2026-07-01 12:00:00')",
            "SET SESSION time_zone = '-05:30'",
            "INSERT INTO {t} VALUES (2, '2026-07-01 06:30:00', '2026-07-01 12:00:00')",
            "SET SESSION time_zone = '+00:00'",
        ),
        [("insert", 1, INSTANT, MOMENT), ("insert", 2, INSTANT, MOMENT)],
        table="CREATE TABLE {t}(id INT PRIMARY KEY, ts TIMESTAMP NULL, at DATETIME)",
    ),
    "zero_dates": Case(
        (
            "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
            "INSERT INTO {t} VALUES (1, 0, 0, 0), (2, '2026-02-31', '2026-00-05 01:02:03', NULL)",
            "SET SESSION sql_mode = ''",
        ),
        [
            ("insert", 1, "0000-00-00", "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
            ("insert", 2, "2026-02-31", "2026-00-05 01:02:03", None),
        ],
        table="CREATE TABLE {t}(id INT PRIMARY KEY, d DATE, at DATETIME, ts TIMESTAMP NULL)",
    ),
    "char_in_full_length": Case(
        (
            "SET SESSION sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT'",
            "INSERT INTO {t} VALUES (1, 'a' || 'b')",
            "SET SESSION sql_mode = ''",
        ),
        [("insert", 1, "ab")],
        table="CREATE TABLE {t}(id INT PRIMARY KEY, c CHAR(9))",
    ),
    "image_minimal": Case(
        (
            TWO,
            "SET SESSION binlog_row_image = MINIMAL",
            "UPDATE {t} SET v = 21 WHERE id = 2",
            "DELETE FROM {t} WHERE id = 1",
            "SET SESSION binlog_row_image = FULL",
        ),
        [("insert", 1, 10), ("insert", 2, 20), ("update", 21, 2), ("delete", 1)],
        is_whole=False,
    ),
    "image_without_blobs": Case(
        (
            "INSERT INTO {t} VALUES (1, 10, 'long')",
            "SET SESSION binlog_row_image = NOBLOB",
            "UPDATE {t} SET v = 11",
            "SET SESSION binlog_row_image = FULL",
        ),
        [("insert", 1, 10, "long"), ("update", 1, 11)],
        table="CREATE TABLE {t}(id INT PRIMARY KEY, v INT, b TEXT)",
        is_whole=False,
    ),
    "logged_as_statement": Case(
        (
            "SET SESSION binlog_format = STATEMENT",
            ONE,
            "SET SESSION binlog_format = ROW",
            "UPDATE {t} SET v = 11",
        ),
        [("update", 1, 11)],
        letters=["statement"],
        is_whole=False,
    ),
    # ------------------------------------------------------------------------ whole tables
    "truncate": Case(
        (ONE, "TRUNCATE {t}", "INSERT INTO {t} VALUES (2, 20)"),
        [("insert", 1, 10), ("insert", 2, 20)],
        letters=["truncated"],
        is_whole=False,
    ),
    "truncate_with_quotes": Case(
        (
            ONE,
            "SET SESSION sql_mode = 'ANSI_QUOTES'",
            'TRUNCATE TABLE "{t}"',
            "SET SESSION sql_mode = ''",
        ),
        [("insert", 1, 10)],
        letters=["truncated"],
        is_whole=False,
    ),
    "from_another_database": Case(
        (ONE, "USE mysql", "TRUNCATE {db}.{t}", "INSERT INTO {db}.{t} VALUES (3, 30)", "USE {db}"),
        [("insert", 1, 10), ("insert", 3, 30)],
        letters=["truncated"],
        is_whole=False,
    ),
    "of_another_database": Case(
        (
            "CREATE DATABASE {db}_2",
            "CREATE TABLE {db}_2.{t}(id INT)",
            "INSERT INTO {db}_2.{t} VALUES (7)",
            "TRUNCATE {db}_2.{t}",
            "DROP DATABASE {db}_2",
            ONE,
        ),
        [("insert", 1, 10)],
    ),
    "swapped": Case(
        (
            ONE,
            "CREATE TABLE {t}_new(id INT PRIMARY KEY, v INT, w INT)",
            "INSERT INTO {t}_new VALUES (1, 10, 100)",
            "RENAME TABLE {t} TO {t}_old, {t}_new TO {t}",
            "UPDATE {t} SET w = 101",
        ),
        [("insert", 1, 10), ("update", 1, 10, 101)],
        letters=["replaced"],
        is_whole=False,
    ),
    "swapped_with_quotes": Case(
        (
            ONE,
            "CREATE TABLE {t}_new(id INT PRIMARY KEY, v INT)",
            "SET SESSION sql_mode = 'ANSI_QUOTES'",
            'RENAME TABLE "{t}" TO "{t}_old", "{t}_new" TO "{t}"',
            "SET SESSION sql_mode = ''",
            "INSERT INTO {t} VALUES (2, 20)",
        ),
        [("insert", 1, 10), ("insert", 2, 20)],
        letters=["replaced"],
        is_whole=False,
    ),
    "made_anew": Case(
        (
            ONE,
            "DROP TABLE {t}",
            "CREATE TABLE {t}(id INT PRIMARY KEY, w CHAR(3))",
            "INSERT INTO {t} VALUES (1, 'abc')",
        ),
        [("insert", 1, 10), ("insert", 1, "abc")],
        is_whole=False,
    ),
    "made_of_a_query": Case(
        (ONE, "CREATE OR REPLACE TABLE {t}(id INT PRIMARY KEY, v INT) SELECT 2 AS id, 20 AS v"),
        [("insert", 1, 10), ("insert", 2, 20)],
        is_whole=False,
    ),
    "temporary_of_the_same_name": Case(
        (
            ONE,
            "CREATE TEMPORARY TABLE {t}(id INT)",
            "INSERT INTO {t} VALUES (9)",
            "TRUNCATE {t}",
            "DROP TEMPORARY TABLE {t}",
            "UPDATE {t} SET v = 11",
        ),
        [("insert", 1, 10), ("update", 1, 11)],
    ),
    "partition_exchanged": Case(
        (
            TWO,
            "CREATE TABLE {t}_single(id INT PRIMARY KEY, v INT)",
            "ALTER TABLE {t} EXCHANGE PARTITION low WITH TABLE {t}_single",
            "UPDATE {t} SET v = 21 WHERE id = 2",
        ),
        [("insert", 1, 10), ("insert", 2, 20), ("update", 2, 21)],
        table=PARTED,
        letters=["exchanged"],
        is_whole=False,
    ),
    "partition_dropped": Case(
        (TWO, "ALTER TABLE {t} TRUNCATE PARTITION low", "ALTER TABLE {t} DROP PARTITION low"),
        [("insert", 1, 10), ("insert", 2, 20)],
        table=PARTED,
        letters=["exchanged", "exchanged"],
        is_whole=False,
    ),
    "partition_kept": Case(
        (
            TWO,
            "ALTER TABLE {t} REORGANIZE PARTITION high INTO (PARTITION mid VALUES LESS THAN (9),"
            " PARTITION high VALUES LESS THAN MAXVALUE)",
            "ALTER TABLE {t} REBUILD PARTITION low, mid",
            "ALTER TABLE {t} REMOVE PARTITIONING",
            "UPDATE {t} SET v = 21 WHERE id = 2",
        ),
        [("insert", 1, 10), ("insert", 2, 20), ("update", 2, 21)],
        table=PARTED,
    ),
}


@dataclass(frozen=True)
class Seen:
    """What a reader made of the statements of all cases, by case."""

    rows: dict[str, list[Row]]
    letters: dict[str, list[str]]


@dataclass(frozen=True)
class Written:
    """What was seen while it was written, what afterwards, and what the tables hold at the end."""

    live: Seen
    again: Seen
    held: dict[str, list[Row]]


@pytest.fixture(scope="module")
def written(mariadb: MariaDB) -> Written:
    db = RecorderDatabase(mariadb, "every_statement")
    for name, case in CASES.items():
        db.run(case.table.format(t=f"t_{name}"))
    db.run("CREATE TABLE finish(id INT PRIMARY KEY)")
    tables = [*(f"t_{name}" for name in CASES), "finish"]
    with Watching(db.url, server_id=711, tables=tables, snapshot=False) as live:
        live.until_live()
        before = live.position
        cursor = db.connect(database=db.name, sql_mode="").cursor()
        for name, case in CASES.items():
            execute(cursor, db.name, name, case)
        db.run("INSERT INTO finish VALUES (1)")
        live.until(lambda: finished(live), "the last row")
    with Watching(db.url, before, server_id=712, tables=tables, snapshot=False) as again:
        again.until(lambda: finished(again), "the last row")
    whole = [f"t_{name}" for name, case in CASES.items() if case.is_whole]
    with Watching(db.url, server_id=713, tables=whole) as starting:
        starting.until_live()
    return Written(seen_by(live), seen_by(again), seen_by(starting).rows)


def execute(cursor: Any, database: str, name: str, case: Case) -> None:
    """Run the statements of a case; those that begin with ! must fail."""
    for statement in case.statements:
        text = statement.removeprefix("!").format(t=f"t_{name}", db=database)
        with pytest.raises(MySQLError) if statement[0] == "!" else nullcontext():
            cursor.execute(text)


def finished(watching: Watching) -> bool:
    return bool(watching.rows) and case_of(watching.rows[-1]) == "finish"


def case_of(row: Row) -> str:
    return row.table.rpartition(".")[2].removeprefix("t_")


def seen_by(watching: Watching) -> Seen:
    rows: dict[str, list[Row]] = {name: [] for name in (*CASES, "finish")}
    for row in watching.rows:
        rows[case_of(row)].append(row)
    letters: dict[str, list[str]] = {name: [] for name in CASES}
    for letter in watching.letters:
        table = letter.detail.partition(" ")[0]
        letters[table.partition(".")[2].removeprefix("t_")].append(letter.reason)
    return Seen(rows, letters)


@pytest.mark.parametrize("name", CASES)
def test_a_statement_makes_the_rows_that_it_changes_or_is_said_to_make_none(
    name: str, written: Written
) -> None:
    case = CASES[name]
    assert [(row.op, *row.values.values()) for row in written.live.rows[name]] == case.rows
    assert written.live.letters[name] == case.letters


@pytest.mark.parametrize("name", CASES)
def test_a_statement_that_is_read_later_makes_the_same_rows(name: str, written: Written) -> None:
    assert written.again.rows[name] == written.live.rows[name]
    assert written.again.letters[name] == written.live.letters[name]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.is_whole])
def test_rows_that_are_put_together_are_what_the_table_holds(name: str, written: Written) -> None:
    put: dict[Any, dict[str, Any]] = {}
    for row in written.live.rows[name]:
        put.pop(row.values["id"], None)
        if row.op != "delete":
            put[row.values["id"]] = dict(row.values)
    assert put == {row.values["id"]: dict(row.values) for row in written.held[name]}
