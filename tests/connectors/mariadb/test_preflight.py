"""What the binlog source says when the server or its user is not set up for it, and that a
remedy is picked up.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.base import ConnectorContext, ConnectorError
from connectors.mariadb.components import MariadbBinlog
from connectors.mariadb.connection import MariadbConnection, parse_url, server_id
from infra.embedded.mariadb import HOST, MariaDB
from tests.recorder import RecorderDatabase, Watching


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> Iterator[RecorderDatabase]:
    db = RecorderDatabase(mariadb, unique)
    yield db
    db.run("SET GLOBAL binlog_format = ROW, binlog_row_image = FULL, binlog_row_metadata = FULL")


@pytest.fixture
def user(db: RecorderDatabase) -> str:
    """A user without any rights."""
    db.run(f"CREATE OR REPLACE USER 'guest'@'{HOST}' IDENTIFIED BY 'p@ss:/w'")
    return "guest"


def url_of(db: RecorderDatabase, password: str = "p%40ss%3A%2Fw") -> str:
    return f"mysql://guest:{password}@{db.server.address}/{db.name}"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", ["no url", "set MARIADB_URL=mysql://user:password@host:3306/homeassistant"]),
        ("localhost/homeassistant", ["malformed", "no scheme"]),
        ("http://u:p@host/db", ["malformed", "http://"]),
        ("mysql://u:p@/db", ["malformed", "names no host"]),
        ("mysql://host/db", ["malformed", "names no user"]),
        ("mysql://u:p@host:3306", ["malformed", "names no database"]),
        ("mysql://u:p@host:3306/a/b", ["malformed", "more than one database"]),
        ("mysql://u:s3cret/x@host:3306/db", ["malformed", "%40"]),
        ("mysql://u:s3cret@host:port/db", ["malformed", "host or port"]),
    ],
)
def test_a_missing_or_malformed_url_stops_at_once_and_hides_the_password(
    url: str, words: list[str]
) -> None:
    source = MariadbBinlog(tables=["states"])
    connection = MariadbConnection(url=url)
    with pytest.raises(ConnectorError) as error:
        source.partitions(ConnectorContext(flow="f", name="recorder", connection=connection))
    for word in words:
        assert word in str(error.value)
    assert "s3cret" not in str(error.value) + repr(connection)


def test_a_source_without_connection_says_which_one_is_missing() -> None:
    with pytest.raises(ConnectorError, match="no connection 'mariadb' in the site file"):
        MariadbBinlog(tables=["states"]).partitions(
            ConnectorContext(flow="f", name="recorder", connection=None)
        )


def test_the_parts_of_a_url_may_hold_escaped_characters() -> None:
    address = parse_url(
        "mysql+pymysql://user:p%40ss%2F@db.example:3307/homeassistant?charset=utf8mb4"
    )
    assert (address.host, address.port, address.user) == ("db.example", 3307, "user")
    assert (address.password, address.database) == ("p@ss/", "homeassistant")
    assert "p@ss" not in repr(address) + str(address)


def test_the_server_id_follows_from_flow_and_source() -> None:
    assert server_id("server_room", "recorder") == server_id("server_room", "recorder")
    assert len({server_id("a", "bc"), server_id("ab", "c"), server_id("a", "b")}) == 3
    assert 2_000_000_000 <= server_id("a", "b") < 4_000_000_000


@pytest.mark.parametrize("name", ["", "a.b.c", ".states", "db."])
def test_a_table_name_has_at_most_a_database_before_it(name: str) -> None:
    with pytest.raises(ValueError, match="is no table"):
        MariadbBinlog(tables=[name])


@pytest.mark.parametrize(
    ("setting", "remedy", "words"),
    [
        (
            "binlog_format = STATEMENT",
            "binlog_format = ROW",
            ["binlog_format is STATEMENT", "add `binlog_format=ROW`"],
        ),
        (
            "binlog_format = MIXED",
            "binlog_format = ROW",
            ["binlog_format is MIXED", "SET GLOBAL binlog_format=ROW"],
        ),
        (
            "binlog_row_image = MINIMAL",
            "binlog_row_image = FULL",
            ["binlog_row_image is MINIMAL", "`binlog_row_image=FULL`"],
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy_and_the_remedy_is_picked_up(
    db: RecorderDatabase, setting: str, remedy: str, words: list[str]
) -> None:
    db.run(f"SET GLOBAL {setting}")
    with Watching(db.url) as watching:
        detail = watching.degraded()
        for word in words:
            assert word in detail
        db.run(f"SET GLOBAL {remedy}")
        watching.until_live()
        watching.until(lambda: not watching.health.down, "health")
    assert [up for up, _ in watching.changes] == [False, True]


def test_a_server_without_binary_log_is_named_with_the_lines_to_set(
    own: Callable[[MariaDB], MariaDB], tmp: Path
) -> None:
    server = MariaDB(tmp / "mariadb", variables={"log_bin": None, "binlog_format": None})  # type: ignore[dict-item]
    db = RecorderDatabase(own(server), "homeassistant")
    with Watching(db.url) as watching:
        detail = watching.degraded()
    assert "log_bin is off" in detail
    assert "`log_bin=mysql-bin` under [mysqld]" in detail


def test_column_names_missing_from_the_log_are_warned_of_once_and_coped_with(
    db: RecorderDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    db.run("SET GLOBAL binlog_row_metadata = NO_LOG")
    rack = db.entity("sensor.rack", '{"a": 1}')
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        db.state(rack, "20")
        watching.until_rows(1)
    assert (watching.rows[0].values["entity_id"], watching.rows[0].values["state"]) == (
        "sensor.rack",
        "20",
    )
    warnings = [
        record.getMessage()
        for record in caplog.records
        if "binlog_row_metadata" in record.getMessage()
    ]
    assert len(warnings) == 1
    assert "Set `binlog_row_metadata=FULL` under [mysqld]" in warnings[0]


def test_a_refused_password_is_named_and_hidden(db: RecorderDatabase, user: str) -> None:
    with Watching(url_of(db, "wrong-s3cret")) as watching:
        detail = watching.degraded()
    assert "refuses user 'guest'" in detail
    assert "MARIADB_URL" in detail
    assert "s3cret" not in detail


def test_each_missing_privilege_is_named_with_its_grant_until_all_are_there(
    db: RecorderDatabase, user: str
) -> None:
    db.run(f"GRANT SELECT ON {db.name}.states TO '{user}'@'{HOST}'")
    with Watching(url_of(db)) as watching:
        detail = watching.degraded()
        assert (
            f"the user lacks REPLICATION SLAVE: GRANT REPLICATION SLAVE ON *.* TO '{user}'@'{HOST}'"
            in detail
        )
        assert (
            f"the user lacks BINLOG MONITOR: GRANT BINLOG MONITOR ON *.* TO '{user}'@'{HOST}'"
            in detail
        )
        db.run(f"GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO '{user}'@'{HOST}'")
        watching.until(lambda: "REPLICATION" not in str(watching.health.down), "the next complaint")
        detail = watching.degraded()
        assert "states_meta" in detail
        assert f"GRANT SELECT ON `{db.name}`.*" in detail
        db.run(f"GRANT SELECT ON {db.name}.* TO '{user}'@'{HOST}'")
        watching.until_live()


def test_a_table_or_database_that_is_not_there_is_named(db: RecorderDatabase) -> None:
    with Watching(db.url, tables=["stats"]) as watching:
        assert f"table {db.name}.stats does not exist" in watching.degraded()
    with Watching(db.url.replace(f"/{db.name}", "/elsewhere")) as watching:
        assert "elsewhere" in watching.degraded()


def test_a_table_without_primary_key_cannot_be_read_from_the_start(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE loose(n INT)")
    with Watching(db.url, tables=["loose"]) as watching:
        assert "has no primary key" in watching.degraded()
    with Watching(db.url, tables=["loose"], snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO loose VALUES (1)")
        watching.until_rows(1)


def test_a_database_left_out_of_the_log_is_named(
    own: Callable[[MariaDB], MariaDB], tmp: Path
) -> None:
    server = MariaDB(tmp / "mariadb", variables={"binlog_ignore_db": "homeassistant"})
    db = RecorderDatabase(own(server), "homeassistant")
    with Watching(db.url) as watching:
        detail = watching.degraded()
    assert "leaves database homeassistant out of its binary log" in detail


def test_the_servers_own_number_is_refused(db: RecorderDatabase) -> None:
    with Watching(db.url, server_id=1) as watching:
        assert "server_id 1 is the server's own" in watching.degraded()


def test_a_view_is_refused_because_its_changes_are_in_no_log(db: RecorderDatabase) -> None:
    db.run("CREATE VIEW seen AS SELECT * FROM states")
    with Watching(db.url, tables=["seen"], snapshot=False) as watching:
        assert f"{db.name}.seen is a view" in watching.degraded()


def test_a_table_that_is_versioned_by_transactions_is_refused_because_its_rows_are_in_no_log(
    db: RecorderDatabase,
) -> None:
    db.run(
        "CREATE TABLE meters(id INT PRIMARY KEY, since BIGINT UNSIGNED GENERATED ALWAYS AS ROW"
        " START, until BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(since,"
        " until)) WITH SYSTEM VERSIONING"
    )
    with Watching(db.url, tables=["meters"], snapshot=False) as watching:
        degraded = watching.degraded()
    assert f"{db.name}.meters is versioned by numbers of transactions" in degraded
    assert "TIMESTAMP(6)" in degraded


def test_a_foreign_key_by_which_the_server_changes_rows_unlogged_is_warned_of(
    db: RecorderDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    db.run("CREATE TABLE rooms(id INT PRIMARY KEY)")
    db.run(
        "CREATE TABLE meters(id INT PRIMARY KEY, room INT, FOREIGN KEY (room) REFERENCES rooms(id)"
        " ON DELETE SET NULL)"
    )
    with Watching(db.url, tables=["meters", "rooms"]) as watching:
        watching.until_live()
    warned = [r.getMessage() for r in caplog.records if "foreign key" in r.getMessage()]
    assert [f"{db.name}.meters" in text for text in warned] == [True]


def test_what_a_server_sets_for_all_sessions_changes_no_values(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, name CHAR(5))")
    db.run("INSERT INTO meters SELECT seq, 'a' FROM seq_1_to_4")
    odd = "PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES,NO_BACKSLASH_ESCAPES"
    before = db.run("SELECT @@global.sql_mode")[0]
    try:
        db.run(f"SET GLOBAL sql_mode = '{odd}', GLOBAL sql_select_limit = 3")
        with Watching(db.url, tables=["meters"]) as watching:
            watching.until_live()
    finally:
        db.run("SET GLOBAL sql_mode = %s, GLOBAL sql_select_limit = DEFAULT", before)
    assert [row.values["name"] for row in watching.rows] == ["a"] * 4
