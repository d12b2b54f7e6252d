"""What a transaction becomes: rows once they are committed, none of what was taken back."""

from typing import Any

import pytest

from infra.embedded.mariadb import MariaDB
from tests.recorder import RecorderDatabase, Watching

PLAIN = "CREATE TABLE meters(id INT PRIMARY KEY, watts INT)"


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> RecorderDatabase:
    db = RecorderDatabase(mariadb, unique)
    db.run(PLAIN)
    return db


def follow(db: RecorderDatabase, *statements: str, rows: int) -> list[tuple[str, int, int]]:
    """(operation, id, watts) of what statements of one session make, as it comes and read again."""
    settings: dict[str, Any] = {"tables": ["meters"], "snapshot": False}
    with Watching(db.url, **settings) as live:
        live.until_live()
        before = live.position
        for statement in (*statements, "INSERT INTO meters(id, watts) VALUES (0, 0)"):
            db.run(statement)
        live.until(lambda: ("insert", 0, 0) in _seen(live)[-1:], "the last row")
        assert live.letters == []
    with Watching(db.url, before, **settings) as again:
        again.until_rows(rows + 1)
        assert again.letters == []
    assert _seen(live) == _seen(again)
    return _seen(live)[:-1]


def position_of(cursor: Any) -> str:
    """The end of the log, as a session sees it that takes part in no transaction."""
    cursor.execute("SELECT @@global.gtid_binlog_pos")
    return str(cursor.fetchone()[0])


def _seen(watching: Watching) -> list[tuple[str, int, int]]:
    return [(row.op, row.values["id"], row.values["watts"]) for row in watching.rows]


def test_rows_of_an_xa_transaction_pass_at_its_commit_across_restarts(db: RecorderDatabase) -> None:
    second = db.connect(database=db.name).cursor()
    settings = {"tables": ["meters"], "snapshot": False}
    with Watching(db.url, **settings) as watching:
        watching.until_live()
        position = watching.position
    db.run("XA START 'kept'")
    db.run("INSERT INTO meters VALUES (1, 10)")
    db.run("XA END 'kept'")
    db.run("XA PREPARE 'kept'")
    second.execute("XA START 'lost', 'branch', 7")
    second.execute("INSERT INTO meters VALUES (2, 20)")
    second.execute("XA END 'lost', 'branch', 7")
    second.execute("XA PREPARE 'lost', 'branch', 7")
    other = db.connect(database=db.name).cursor()
    other.execute("INSERT INTO meters VALUES (3, 30)")
    seen = []
    for statement in (None, "XA ROLLBACK 'lost', 'branch', 7", "XA COMMIT 'kept'"):
        if statement:
            (second if "lost" in statement else db.admin.cursor()).execute(statement)
        target = db.gtid()
        with Watching(db.url, position, **settings) as watching:
            watching.until(lambda w=watching, t=target: w.position["gtid"] == t, "the position")
            position = watching.position
            seen.append(_seen(watching))
            assert watching.letters == []
    assert seen == [[("insert", 3, 30)], [], [("insert", 1, 10)]]


def test_an_xa_transaction_of_one_phase_passes(db: RecorderDatabase) -> None:
    assert follow(
        db,
        "XA START 'one'",
        "INSERT INTO meters VALUES (1, 10)",
        "XA END 'one'",
        "XA COMMIT 'one' ONE PHASE",
        rows=1,
    ) == [("insert", 1, 10)]


def test_the_commit_of_what_was_prepared_before_a_flow_began_is_reported(
    db: RecorderDatabase,
) -> None:
    db.run("XA START 'early'")
    db.run("INSERT INTO meters VALUES (1, 10)")
    db.run("XA END 'early'")
    db.run("XA PREPARE 'early'")
    with Watching(db.url, tables=["meters"], snapshot=False) as watching:
        watching.until_live()
        db.run("XA COMMIT 'early'")
        watching.until(lambda: watching.letters, "a dead letter")
    assert watching.letters[0].reason == "unprepared"
    assert "discard the flow's saved position" in watching.letters[0].detail


def test_what_is_rolled_back_makes_no_rows_though_a_temporary_table_keeps_it_in_the_log(
    db: RecorderDatabase,
) -> None:
    assert (
        follow(
            db,
            "BEGIN",
            "INSERT INTO meters VALUES (1, 10)",
            "CREATE TEMPORARY TABLE sums(n INT)",
            "INSERT INTO meters VALUES (2, 20)",
            "ROLLBACK",
            "DROP TEMPORARY TABLE sums",
            rows=0,
        )
        == []
    )


def test_what_a_savepoint_took_back_makes_no_rows(db: RecorderDatabase) -> None:
    assert follow(
        db,
        "BEGIN",
        "INSERT INTO meters VALUES (1, 10)",
        "CREATE TEMPORARY TABLE sums(n INT)",
        "SAVEPOINT `Après `",
        "INSERT INTO meters VALUES (2, 20)",
        "SAVEPOINT later",
        "INSERT INTO meters VALUES (3, 30)",
        "ROLLBACK TO `apres `",
        "INSERT INTO meters VALUES (4, 40)",
        "COMMIT",
        rows=2,
    ) == [("insert", 1, 10), ("insert", 4, 40)]


def test_a_row_that_gets_another_key_is_deleted_and_made_anew(db: RecorderDatabase) -> None:
    assert follow(
        db,
        "INSERT INTO meters VALUES (1, 10), (2, 20)",
        "UPDATE meters SET id = id + 10, watts = watts + 1 ORDER BY id DESC",
        "UPDATE meters SET watts = 5 WHERE id = 11",
        rows=7,
    )[2:] == [
        ("delete", 2, 20),
        ("insert", 12, 21),
        ("delete", 1, 10),
        ("insert", 11, 11),
        ("update", 11, 5),
    ]


@pytest.mark.parametrize(
    "period",
    [
        "",
        ", since TIMESTAMP(6) GENERATED ALWAYS AS ROW START, until TIMESTAMP(6) GENERATED ALWAYS"
        " AS ROW END, PERIOD FOR SYSTEM_TIME(since, until)",
    ],
)
def test_the_history_of_a_versioned_table_makes_no_rows(db: RecorderDatabase, period: str) -> None:
    db.run("DROP TABLE meters")
    db.run(f"{PLAIN[:-1]}{period}) WITH SYSTEM VERSIONING")
    names = "INSERT INTO meters(id, watts) VALUES "
    assert follow(
        db,
        f"{names}(1, 10)",
        "UPDATE meters SET watts = 11",
        "REPLACE INTO meters(id, watts) VALUES (1, 12)",
        f"{names}(1, 0) ON DUPLICATE KEY UPDATE watts = 13",
        "UPDATE meters SET id = 2",
        "DELETE FROM meters",
        "DELETE HISTORY FROM meters",
        f"{names}(3, 30)",
        "DELETE FROM meters WHERE id = 3",
        rows=10,
    ) == [
        ("insert", 1, 10),
        ("update", 1, 11),
        ("delete", 1, 11),
        ("insert", 1, 12),
        ("update", 1, 13),
        ("delete", 1, 13),
        ("insert", 2, 13),
        ("delete", 2, 13),
        ("insert", 3, 30),
        ("delete", 3, 30),
    ]


def test_a_versioned_table_is_read_from_the_start_as_the_log_tells_it(
    db: RecorderDatabase,
) -> None:
    db.run("ALTER TABLE meters ADD COLUMN at TIMESTAMP(3) NULL")
    db.run("ALTER TABLE meters ADD SYSTEM VERSIONING")
    with Watching(db.url, tables=["meters"], snapshot=False) as live:
        live.until_live()
        db.run("INSERT INTO meters(id, watts) VALUES (1, 10), (2, 20)")
        db.run("UPDATE meters SET watts = 11, at = '2026-03-01 12:00:00.5' WHERE id = 1")
        db.run("DELETE FROM meters WHERE id = 2")
        db.run(
            "SET STATEMENT system_versioning_insert_history = 1 FOR INSERT INTO meters(id,"
            " watts, row_start, row_end) VALUES (5, 50, '2020-01-01', '2021-01-01')"
        )
        db.run("UPDATE meters SET watts = 12 WHERE id = 1")
        live.until(lambda: ("update", 1, 12) in _seen(live), "the last row")
        last = live.rows[-1].values
        assert live.letters == []
    with Watching(db.url, tables=["meters"]) as table:
        table.until_live()
        assert [row.values for row in table.rows] == [last]


def test_a_transaction_beyond_what_memory_may_hold_comes_whole_or_not_at_all(
    db: RecorderDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.mariadb.binlog.held_rows.MEMORY_BYTES", 20_000)
    many = "INSERT INTO meters SELECT seq + {0}, seq FROM seq_1_to_3000"
    rows = follow(
        db,
        "BEGIN",
        many.format(0),
        "CREATE TEMPORARY TABLE sums(n INT)",
        "SAVEPOINT half",
        many.format(10_000),
        "ROLLBACK TO half",
        many.format(20_000),
        "COMMIT",
        rows=6000,
    )
    assert [number for _, number, _ in rows] == [*range(1, 3001), *range(20_001, 23_001)]
