"""The binlog source on a real MariaDB: from the tables into the log, across restarts of both
sides, without a gap.
"""

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from connectors.base import ConnectorError
from connectors.mariadb.components import MariadbBinlog
from infra.embedded.mariadb import MariaDB
from operators.columnar.lazy_rows import LazyRows
from operators.events import DeadLetter, Reading
from tests.recorder import RecorderDatabase, Watching
from tests.waiting import wait_until


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> RecorderDatabase:
    return RecorderDatabase(mariadb, unique)


@pytest.fixture
def own_db(own: Callable[[MariaDB], MariaDB], tmp: Path) -> RecorderDatabase:
    """On a server of the test's own, to be killed or purged."""
    return RecorderDatabase(own(MariaDB(tmp / "mariadb")), "homeassistant")


def test_a_fresh_flow_begins_with_the_latest_state_of_each_entity(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack", '{"unit_of_measurement": "°C"}')
    door = db.entity("binary_sensor.door")
    db.state(rack, "20", "21", "22")
    (closed,) = db.state(door, "off", at=1772366399.123456)
    with Watching(db.url) as watching:
        watching.until_live()
    rack_row, door_row = watching.rows
    assert rack_row.values["state"] == "22"
    assert rack_row.values["entity_id"] == "sensor.rack"
    assert rack_row.values["shared_attrs"] == '{"unit_of_measurement": "°C"}'
    assert (rack_row.snapshot, rack_row.labels) == (True, {})
    assert (door_row.id, door_row.time, door_row.op) == (
        f"states/{closed}",
        1772366399.123456,
        "insert",
    )
    assert door_row.table == f"{db.name}.states"


def test_rows_are_the_same_where_the_flow_need_not_have_them_whole(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack", '{"unit_of_measurement": "°C"}')
    with (
        Watching(db.url, snapshot=False) as whole,
        Watching(db.url, name="lazy", server_id=4711, columns=True, snapshot=False) as lazy,
    ):
        whole.until_live()
        lazy.until_live()
        first, *_ = db.state(rack, "20", "21")
        lazy.until_rows(2)
        door = db.entity("binary_sensor.door")  # its name comes by the log
        db.state(door, "off", at=1772366399.123456)
        db.state(rack, "22", at=0.0)
        db.run(
            "INSERT INTO states(state, metadata_id, attributes_id, last_updated_ts) VALUES"
            " (NULL, %s, NULL, 2000.5), ('23', %s, %s, NULL), ('24', NULL, %s, 2001.5)",
            [rack[0], *rack, rack[1]],
        )
        db.run("UPDATE states SET state = '20.5' WHERE state_id = %s", [first])
        db.state(rack, "25", at=3000.5)
        for watching in (whole, lazy):
            watching.until_rows(9)
    assert lazy.events == whole.events
    assert any(isinstance(batch.events, LazyRows) for batch in lazy.batches)


def test_without_snapshot_only_new_states_come(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack")
    db.state(rack, "before")
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        db.state(rack, "after")
        watching.until_rows(1)
    assert watching.states == ["after"]
    assert watching.rows[0].labels == {}


def test_a_state_read_from_the_table_and_from_the_log_is_the_same_row(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack", '{"a": 1}')
    with Watching(db.url, snapshot=False) as follower:
        follower.until_live()
        db.state(rack, "21.5", at=1772366399.123456)
        follower.until_rows(1)
    with Watching(db.url) as starter:
        starter.until_rows(1)
    assert starter.rows[0].values == follower.rows[0].values
    assert (starter.rows[0].id, starter.rows[0].time) == (
        follower.rows[0].id,
        follower.rows[0].time,
    )


def test_no_state_is_missing_when_a_writer_runs_during_the_snapshot(db: RecorderDatabase) -> None:
    entities = [db.entity(f"sensor.s{n}") for n in range(50)]
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        connection = db.connect(database=db.name, autocommit=False)
        with connection.cursor() as cursor:
            while not stop.is_set():
                for metadata_id, attributes_id in entities:
                    cursor.execute(
                        "INSERT INTO states(state, last_updated_ts, metadata_id, attributes_id)"
                        " VALUES ('x', 1.0, %s, %s)",
                        (metadata_id, attributes_id),
                    )
                    written.append(cursor.lastrowid)
                connection.commit()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            already = len(written)
            with Watching(db.url) as watching:
                watching.until(
                    lambda w=watching, a=already: (
                        w.batches and w.batches[-1].live and len(written) > a + 500
                    ),
                    "writes",
                )
                stopped_at = len(written)
                last = written[stopped_at - 1]
                watching.until(
                    lambda w=watching, n=last: any(row.id == f"states/{n}" for row in w.rows),
                    "the last write",
                )
            first_followed = min(
                int(row.id.split("/")[1]) for row in watching.rows if not row.labels
            )
            from_log = [int(row.id.split("/")[1]) for row in watching.rows if not row.labels]
            from_table = {int(row.id.split("/")[1]) for row in watching.rows if row.labels}
            assert from_log[: from_log.index(last) + 1] == [
                n for n in written if first_followed <= n <= last
            ]
            assert not from_table or max(from_table) == first_followed - 1
    finally:
        stop.set()
        writer.join()


@pytest.mark.parametrize("snapshot", [True, False])
def test_a_flow_killed_before_it_saved_a_position_begins_where_it_began_and_misses_nothing(
    db: RecorderDatabase, tmp_path: Path, snapshot: bool
) -> None:
    rack = db.entity("sensor.rack")
    db.state(rack, "before")
    with Watching(db.url, folder=tmp_path / "files", snapshot=snapshot) as killed:
        killed.until_live()
    db.state(rack, "first", "second")
    with Watching(db.url, folder=tmp_path / "files", snapshot=snapshot) as again:
        again.until_rows(2 + snapshot)
    assert again.states == ["before"] * snapshot + ["first", "second"]


def test_the_kept_beginning_is_forgotten_once_the_flow_has_saved_positions(
    db: RecorderDatabase, tmp_path: Path
) -> None:
    with Watching(db.url, folder=tmp_path, snapshot=False) as first:
        first.until_live()
        assert [path.name for path in tmp_path.iterdir()] == ["recorder.start.json"]
        for _ in range(10):
            position = first.reader.position()
        assert list(tmp_path.iterdir()) == []
    with Watching(db.url, position, folder=tmp_path, snapshot=False) as second:
        second.until_live()
        assert list(tmp_path.iterdir()) == []


def test_a_new_reader_goes_on_exactly_where_the_last_one_stopped(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack")
    random = Random(7)
    with Watching(db.url, snapshot=False) as first:
        first.until_live()
        start = first.position
        n = 0
        for size in [random.choice((1, 2, 5, 40, 2500)) for _ in range(12)]:
            db.state(rack, *[str(n + k) for k in range(size)])
            n += size
        first.until_rows(n)
    assert first.states == [str(k) for k in range(n)]
    for _ in range(3):
        position, states, ids = start, [], []
        while len(states) < n:
            with Watching(db.url, position, snapshot=False) as part:
                part.until_rows(1)
                for _ in range(random.choice((0, 1, 3))):
                    part.read()
                position = part.position
            states += part.states
            ids += [row.id for row in part.rows]
        assert states == first.states
        assert ids == [row.id for row in first.rows]


def test_a_large_transaction_comes_in_pieces_and_can_be_left_in_the_middle(
    db: RecorderDatabase,
) -> None:
    rack = db.entity("sensor.rack")
    with Watching(db.url, snapshot=False) as first:
        first.until_live()
        position = first.position
    (one,) = db.state(rack, "seed")
    db.run(
        "INSERT INTO states(state, last_updated_ts, metadata_id, attributes_id) SELECT seq, seq,"
        " %s, %s FROM seq_1_to_100000",
        rack,
    )
    with Watching(db.url, position, snapshot=False) as second:
        second.until_rows(30_001)
        assert max(len(batch.events) for batch in second.batches) <= 6000
        position = second.position
        assert position["rows"] > 0
    with Watching(db.url, position, snapshot=False) as third:
        third.until_rows(100_001 - len(second.rows))
    assert second.states + third.states == ["seed", *(str(n) for n in range(1, 100_001))]
    assert second.rows[0].id == f"states/{one}"


def test_an_update_passes_if_it_changes_what_the_row_says(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack")
    first, second = db.state(rack, "1", "2")
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        db.run(
            "UPDATE states SET old_state_id = NULL, last_reported_ts = 5 WHERE metadata_id = %s",
            (rack[0],),
        )
        db.run("UPDATE states SET old_state_id = %s WHERE state_id = %s", (first, second))
        db.run("UPDATE states SET state = '3' WHERE state_id = %s", (second,))
        db.run("DELETE FROM states WHERE state_id = %s", (second,))
        db.state(rack, "4")
        watching.until_rows(2)
    assert [(row.op, row.values["state"]) for row in watching.rows] == [
        ("update", "3"),
        ("insert", "4"),
    ]
    assert watching.rows[0].id.startswith(f"states/{second}/0-1-")
    assert watching.counts == {"bookkeeping": 3, "purged": 1}


def test_names_and_attributes_follow_their_own_tables(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack", '{"v": 1}')
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        door = db.entity("binary_sensor.door", '{"v": 2}')
        db.state(door, "on")
        db.run(
            "UPDATE states_meta SET entity_id = 'sensor.renamed' WHERE metadata_id = %s", (rack[0],)
        )
        db.state(rack, "20")
        db.run("SET SESSION foreign_key_checks = 0")
        db.run(
            "INSERT INTO states(state, metadata_id, attributes_id) VALUES ('lost', 99999, 99999)"
        )
        watching.until_rows(3)
    names = [(row.values["entity_id"], row.values["shared_attrs"]) for row in watching.rows]
    assert names == [
        ("binary_sensor.door", '{"v": 2}'),
        ("sensor.renamed", '{"v": 1}'),
        (None, None),
    ]


def test_live_comes_when_the_end_seen_at_the_start_is_reached(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack")
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        position = watching.position
    db.state(rack, "missed")
    with Watching(db.url, position, snapshot=False) as watching:
        watching.until_live()
        db.state(rack, "seen")
        watching.until_rows(2)
    lives = {
        batch.events[0].values["state"]: batch.live for batch in watching.batches if batch.events
    }  # type: ignore[union-attr]
    assert lives == {"missed": False, "seen": True}


def test_the_position_moves_with_transactions_of_other_tables(db: RecorderDatabase) -> None:
    with Watching(db.url) as watching:
        watching.until_live()
        db.run("CREATE TABLE other(id INT PRIMARY KEY)")
        db.run("INSERT INTO other VALUES (1)")
        target = db.gtid()
        watching.until(lambda: watching.position["gtid"] == target, "the position")
    assert watching.rows == []


def test_a_log_that_is_silent_is_known_to_be_up_to_now(db: RecorderDatabase) -> None:
    with Watching(db.url, snapshot=False) as watching:
        assert watching.reader.read_until() == -math.inf
        watching.until_live()
        begun = time.time()
        watching.until(lambda: watching.reader.read_until() > begun, "the server's heartbeat")
        rack = db.entity("sensor.rack")
        db.state(rack, "20.0")
        wait_until(
            lambda: watching.reader.read_until() == -math.inf, what="a row that waits to be read"
        )
        watching.until_rows(1)


def test_a_changed_table_is_read_with_its_new_columns(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, power INT UNSIGNED)")
    with Watching(db.url, tables=["meters"], snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO meters VALUES (1, 4000000000)")
        db.run(
            "ALTER TABLE meters ADD COLUMN room VARCHAR(20) AFTER id, CHANGE power watts INT"
            " UNSIGNED"
        )
        db.run("INSERT INTO meters VALUES (2, 'attic', 7)")
        watching.until_rows(2)
    assert [row.values for row in watching.rows] == [
        {"id": 1, "power": 4000000000},
        {"id": 2, "room": "attic", "watts": 7},
    ]


def test_other_tables_come_whole_with_ids_of_key_and_transaction(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE meters(room VARCHAR(20), n INT, watts INT, PRIMARY KEY(room, n))")
    db.run("INSERT INTO meters VALUES ('attic', 1, 10)")
    with Watching(db.url, tables=[f"{db.name}.meters"]) as watching:
        watching.until_live()
        db.run("UPDATE meters SET watts = 20")
        updated = db.last_gtid()
        db.run("DELETE FROM meters")
        deleted = db.last_gtid()
        watching.until_rows(3)
    assert [(row.op, row.values["watts"]) for row in watching.rows] == [
        ("insert", 10),
        ("update", 20),
        ("delete", 20),
    ]
    assert [row.id for row in watching.rows[1:]] == [
        f"meters/attic/1/{updated}.0",
        f"meters/attic/1/{deleted}.0",
    ]
    assert watching.rows[0].snapshot


def test_rows_of_a_mapped_table_become_readings(db: RecorderDatabase) -> None:
    db.run(
        "CREATE TABLE meters(id INT PRIMARY KEY, meter VARCHAR(20), kind VARCHAR(20), watts"
        " DECIMAL(9,2), at TIMESTAMP(3) NULL)"
    )
    db.run("SET SESSION time_zone = '+00:00'")
    db.run("INSERT INTO meters VALUES (1, 'attic', 'power', 10.25, '2026-03-01 12:00:00.500')")
    mapping = {"subject": "meter", "metric": "{kind}", "value": "watts", "unit": "W", "time": "at"}
    with Watching(db.url, tables=["meters"], rows={"meters": mapping}) as watching:
        watching.until_live()
        db.run("UPDATE meters SET watts = NULL, at = NULL")
        db.run("DELETE FROM meters")
        db.run(
            "INSERT INTO meters VALUES (2, NULL, 'power', 1, NULL), (3, 'cellar', 'power', 2, NULL)"
        )
        watching.until_rows(3)
    first, second, third = watching.events
    assert isinstance(first, Reading)
    assert (first.subject, first.metric, first.value, first.unit) == ("attic", "power", 10.25, "W")
    assert first.time == 1772366400.5
    assert isinstance(second, Reading)
    assert (second.value, second.text, second.quality) == (None, None, "bad")
    assert isinstance(third, Reading)
    assert third.subject == "cellar"
    assert [(letter.reason, letter.detail.split(": ")[1]) for letter in watching.letters] == [
        ("unmapped", "the column is NULL")
    ]


def test_a_row_that_is_read_again_arrived_when_it_did_before(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, meter VARCHAR(20), watts INT)")
    mapping = {"subject": "meter", "metric": "power", "value": "watts"}

    def arrived(watching: Watching) -> list[tuple[str, float]]:
        """Each event with its arrival, from the second row on."""
        watching.until(
            lambda: watching.events and watching.events[-1].id.startswith("meters/4/"),
            "the last row",
        )
        times = (at for batch in watching.batches for n, at in batch.arrivals for _ in range(n))
        return list(zip((event.id for event in watching.events), times, strict=True))

    with Watching(db.url, tables=["meters"], rows={"meters": mapping}, snapshot=False) as watching:
        watching.until_live()
        before = watching.position
        db.run("INSERT INTO meters VALUES (1, 'attic', 1), (2, NULL, 2)")
        watching.until_rows(1)
        db.run("SET SESSION timestamp = UNIX_TIMESTAMP() - 100")
        db.run("INSERT INTO meters VALUES (3, 'attic', 3)")
        db.run("SET SESSION timestamp = DEFAULT")
        db.run("INSERT INTO meters VALUES (4, 'attic', 4)")
        first = arrived(watching)
    with Watching(
        db.url, before, tables=["meters"], rows={"meters": mapping}, snapshot=False
    ) as watching:
        again = arrived(watching)
    assert first == again
    assert [id.split("/")[1] for id, _ in first] == ["1", "3", "4"]


def test_a_mapping_that_does_not_fit_the_table_is_a_dead_letter(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, watts INT)")
    mapping = {"subject": "meter", "metric": "power", "value": "watts"}
    with Watching(db.url, tables=["meters"], rows={"meters": mapping}, snapshot=False) as watching:
        watching.until_live()
        db.run("INSERT INTO meters VALUES (1, 10)")
        watching.until(lambda: watching.letters, "a dead letter")
    assert (
        watching.letters[0].detail
        == f"table {db.name}.meters has no column 'meter', or a program left it out of the log with"
        " binlog_row_image=MINIMAL; there are id, watts"
    )
    assert watching.letters[0].payload == b'{"id":1,"watts":10}'


def test_only_tables_that_are_read_can_be_mapped() -> None:
    mapping = {"subject": "meter", "metric": "power", "value": "watts"}
    with pytest.raises(
        ValueError, match=r"`rows` maps meters, which `tables` does not name; it names states"
    ):
        MariadbBinlog.model_validate({"tables": ["states"], "rows": {"meters": mapping}})


def test_an_interrupted_snapshot_goes_on_where_it_was(db: RecorderDatabase) -> None:
    db.run("CREATE TABLE meters(id INT PRIMARY KEY, watts INT)")
    db.run("INSERT INTO meters SELECT seq, seq FROM seq_1_to_9000")
    watched: list[int] = []
    times: set[float] = set()
    position = None
    while len(watched) < 9_000:
        with Watching(db.url, position, tables=["meters"]) as watching:
            watching.until_rows(1)
            position = watching.position
        watched += [row.values["id"] for row in watching.rows]
        times |= {row.time for row in watching.rows}
    assert watched == list(range(1, 9_001))
    assert len(times) == 1, "a row that is read twice is one row"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("FLOAT", "seq / 7 - 1"),
        ("TIME(6)", "SEC_TO_TIME(seq - 4.75)"),
        ("TIMESTAMP(6)", "TIMESTAMP('2026-01-01 00:00:00.000001') + INTERVAL seq SECOND"),
        ("VARBINARY(3)", "UNHEX(CONCAT('FF00', LPAD(seq, 2, '0')))"),
        ("INET6", "CONCAT('::', seq)"),
    ],
)
def test_tables_are_read_page_by_page_whatever_their_keys_are(
    db: RecorderDatabase, monkeypatch: pytest.MonkeyPatch, kind: str, value: str
) -> None:
    monkeypatch.setattr("connectors.mariadb.snapshot.PAGE", 2)
    db.run(f"CREATE TABLE meters(id {kind} PRIMARY KEY)")
    db.run(f"INSERT INTO meters SELECT {value} FROM seq_1_to_9")
    with Watching(db.url, tables=["meters"]) as watching:
        watching.until_live()
    assert len({row.id for row in watching.rows}) == len(watching.rows) == 9


def test_what_cannot_be_read_ends_the_reader_where_the_definition_says_stop(
    db: RecorderDatabase,
) -> None:
    def stop(letter: DeadLetter) -> None:
        raise ConnectorError(f"{letter.reason}; on_error: stop")

    rack = db.entity("sensor.rack")
    with Watching(db.url, snapshot=False, dead_letter=stop) as watching:
        watching.until_live()
        db.run("SET SESSION binlog_format = STATEMENT")
        db.state(rack, "unseen")
        with pytest.raises(RuntimeError) as ended:
            watching.until_rows(1)
    assert ended.value.__cause__ is not None
    assert isinstance(ended.value.__cause__.__cause__, ConnectorError)


def test_a_statement_without_rows_is_reported(db: RecorderDatabase) -> None:
    rack = db.entity("sensor.rack")
    db.state(rack, "1")
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        db.run("SET SESSION binlog_format = STATEMENT")
        db.run("UPDATE states SET state = '2'")
        db.run("SET SESSION binlog_format = ROW")
        watching.until(lambda: watching.letters, "a dead letter")
    (letter,) = watching.letters
    assert letter.reason == "statement"
    assert "SET GLOBAL binlog_format=ROW" in letter.detail
    assert letter.payload == b"UPDATE states SET state = '2'"
    assert watching.counts["statement"] == 1


def test_reading_goes_on_when_the_server_was_killed_and_came_back(own_db: RecorderDatabase) -> None:
    rack = own_db.entity("sensor.rack")
    with Watching(own_db.url, snapshot=False) as watching:
        watching.until_live()
        own_db.state(rack, "1", "2")
        watching.until_rows(2)
        own_db.server.kill()
        assert "is the server running there?" in watching.degraded()
        own_db.server.start().wait_ready()
        own_db.admin = own_db.connect(database=own_db.name)
        own_db.state(rack, "3")
        watching.until_rows(3)
        watching.until(lambda: not watching.health.down, "health")
    assert watching.states == ["1", "2", "3"]
    assert [up for up, _ in watching.changes] == [False, True]


def test_a_server_that_is_not_up_yet_is_waited_for(own_db: RecorderDatabase) -> None:
    rack = own_db.entity("sensor.rack")
    own_db.state(rack, "1")
    own_db.server.stop()
    with Watching(own_db.url) as watching:
        assert "no answer from MariaDB at 127.0.0.1" in watching.degraded()
        own_db.server.start().wait_ready()
        watching.until_live()
    assert watching.states == ["1"]


@pytest.fixture
def lost(own_db: RecorderDatabase) -> tuple[RecorderDatabase, dict[str, object]]:
    """A database, and a position after state "1" that the server has purged; states "2" and "3"
    came since.
    """
    rack = own_db.entity("sensor.rack")
    with Watching(own_db.url, snapshot=False) as watching:
        watching.until_live()
        own_db.state(rack, "1")
        watching.until_rows(1)
        position = watching.position
    own_db.state(rack, "2")
    own_db.state(rack, "3")
    own_db.purge()
    return own_db, position


def test_a_purged_position_is_reported_and_the_missed_states_are_read_from_the_table(
    lost: tuple[RecorderDatabase, dict[str, object]],
) -> None:
    db, position = lost
    with Watching(db.url, position) as watching:
        watching.until_live()
        assert watching.states == ["2", "3"]
        assert [row.labels for row in watching.rows] == [{}, {}]
        watching.until(lambda: not watching.health.down, "health")
    assert watching.counts["gap"] == 1
    (letter,) = watching.letters
    assert letter.reason == "gap"
    assert str(position["gtid"]) in letter.detail
    assert "no longer has the binary log" in watching.changes[0][1]


def test_without_snapshot_a_purged_position_stops_with_the_remedy(
    lost: tuple[RecorderDatabase, dict[str, object]],
) -> None:
    db, position = lost
    with Watching(db.url, position, snapshot=False) as watching:
        detail = watching.degraded()
    assert "no longer has the binary log after" in detail
    assert "set `snapshot: true`" in detail
    assert watching.rows == []
    assert watching.position == position


def test_a_position_of_a_server_that_was_set_up_anew_is_lost_too(
    own_db: RecorderDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    rack = own_db.entity("sensor.rack")
    own_db.run("FLUSH BINARY LOGS")
    with Watching(own_db.url) as watching:
        own_db.state(rack, *"123456789")
        watching.until(lambda: "9" in watching.states and "file" in watching.position, "the states")
        position = watching.position
    own_db.run("RESET MASTER")
    for n in range(12):  # the log is longer than it was
        own_db.state(rack, f"new {n}")
    with Watching(own_db.url, position) as watching:
        watching.until_live()
        assert watching.states == [f"new {n}" for n in range(12)]
        assert watching.counts["gap"] == 1
        monkeypatch.setattr("connectors.mariadb.session.LOOK_AFTER_S", 0.0)
        own_db.run("RESET MASTER")
        own_db.state(rack, "newest")
        watching.until(lambda: "newest" in watching.states, "what came after a reset")
    assert watching.counts["gap"] == 2


def test_a_domain_that_the_server_was_told_to_forget_is_no_loss(own_db: RecorderDatabase) -> None:
    rack = own_db.entity("sensor.rack")
    with Watching(own_db.url, snapshot=False) as watching:
        watching.until_live()
        own_db.state(rack, "21")
        own_db.run("SET @@session.gtid_domain_id = 5")
        own_db.state(rack, "22")
        watching.until(lambda: watching.states == ["21", "22"], "the states of both domains")
        position = watching.position
    own_db.run("SET @@session.gtid_domain_id = 0")
    own_db.purge()
    own_db.run("FLUSH BINARY LOGS DELETE_DOMAIN_ID = (5)")
    own_db.state(rack, "23")
    with Watching(own_db.url, position, snapshot=False) as watching:
        watching.until(lambda: watching.states == ["23"], "the state after it")
        assert "gap" not in watching.counts


def test_a_second_reader_with_the_same_server_id_is_named_as_the_cause(
    db: RecorderDatabase,
) -> None:
    with Watching(db.url) as first:
        first.until_live()
        with Watching(db.url) as second:
            second.until_live()
            detail = first.degraded()
    assert "another reader uses the same server_id" in detail
    assert "`server_id` in the site file" in detail


def test_closing_ends_the_thread_at_once(db: RecorderDatabase) -> None:
    before = threading.active_count()
    watching = Watching(db.url)
    watching.until_live()
    assert threading.active_count() == before + 1
    watching.reader.close()
    assert threading.active_count() == before
