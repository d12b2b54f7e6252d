"""Home Assistant's recorder of all schemas from 25 on, and its migrations between them."""

import datetime
from typing import Any

import pytest

from infra.embedded.mariadb import MariaDB
from operators.component import Now, StepContext
from operators.decoding.step import Decode
from operators.events import Reading
from tests.recorder import RecorderDatabase, Watching

INLINE = (
    "CREATE TABLE states(state_id BIGINT AUTO_INCREMENT PRIMARY KEY, entity_id VARCHAR(255), state"
    " VARCHAR(255), attributes LONGTEXT, last_changed DATETIME(6), last_updated DATETIME(6),"
    " old_state_id BIGINT{}, KEY (entity_id, last_updated))"
)
SCHEMAS = {
    25: INLINE.format(", attributes_id BIGINT"),
    31: INLINE.format(", attributes_id BIGINT, last_updated_ts DOUBLE"),
    38: INLINE.format(", attributes_id BIGINT, last_updated_ts DOUBLE, metadata_id BIGINT"),
}
NOON = datetime.datetime(2026, 3, 1, 12)
EPOCH = NOON.replace(tzinfo=datetime.UTC).timestamp()
FAHRENHEIT = '{"unit_of_measurement": "°F", "device_class": "temperature"}'


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> RecorderDatabase:
    db = RecorderDatabase(mariadb, unique)
    db.run("SET SESSION time_zone = '+00:00'")
    db.run("DROP TABLE states")
    db.run("INSERT INTO state_attributes VALUES (1, 1, %s)", (FAHRENHEIT,))
    return db


def of_schema(db: RecorderDatabase, schema: int) -> None:
    db.run(SCHEMAS[schema])
    if schema < 38:
        db.run("DROP TABLE states_meta")
    else:
        db.run("INSERT INTO states_meta VALUES (7, 'sensor.attic')")


def write(db: RecorderDatabase, name: str, state: str, hours: float, **columns: object) -> int:
    """A state with its entity inline, `hours` after noon; other columns as given."""
    at = NOON + datetime.timedelta(hours=hours)
    row = {"entity_id": name, "state": state, "attributes_id": 1, "last_updated": at} | columns
    with db.admin.cursor() as cursor:
        marks = ", ".join(["%s"] * len(row))
        cursor.execute(f"INSERT INTO states({', '.join(row)}) VALUES ({marks})", list(row.values()))
        return int(cursor.lastrowid)


def readings(watching: Watching) -> tuple[list[tuple[str, int, str | None, float]], list[Any]]:
    """(subject, value, unit, time) of what `decode` makes of the rows, and its errors."""
    step = Decode.model_validate("home_assistant_recorder")
    logic = step.logic(StepContext("f", "f/s/decode"))
    events = logic.on_batch(list(watching.rows), Now(0, 0))
    assert all(isinstance(event, Reading) for event in events)
    found = [(e.subject, round(e.value or 0), e.unit, e.time) for e in events]  # type: ignore[union-attr]
    return found, logic.errors


@pytest.mark.parametrize("tables", [["states"], ["states", "states_meta", "state_attributes"]])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_old_schemas_give_the_readings_of_the_newest(
    db: RecorderDatabase, schema: int, tables: list[str]
) -> None:
    of_schema(db, schema)
    write(db, "sensor.attic", "32", 0)
    with Watching(db.url, tables=tables) as watching:
        watching.until_live()
        write(db, "sensor.attic", "212", 1)
        write(db, "sensor.hall", "50", 2, attributes_id=None, attributes=FAHRENHEIT)
        watching.until_rows(3)
        assert watching.letters == []
    assert readings(watching)[0] == [
        ("sensor.attic", 0, "°C", EPOCH),
        ("sensor.attic", 100, "°C", EPOCH + 3600),
        ("sensor.hall", 10, "°C", EPOCH + 7200),
    ]


@pytest.mark.parametrize("tables", [["states"], ["states", "states_meta", "state_attributes"]])
def test_an_older_schema_is_refused_by_the_name_of_its_release(
    db: RecorderDatabase, tables: list[str]
) -> None:
    db.run(INLINE.format(""))
    with Watching(db.url, tables=tables) as watching:
        detail = watching.degraded()
    assert "recorder before Home Assistant 2022.4 (schema 25)" in detail
    assert "upgrade Home Assistant" in detail


MIGRATION = (
    "UPDATE states SET last_updated_ts = UNIX_TIMESTAMP(last_updated) WHERE state_id <= {}",
    "UPDATE states SET metadata_id = 7 WHERE entity_id = 'sensor.attic' AND state_id <= {}",
    "UPDATE states SET last_updated = NULL WHERE last_updated_ts IS NOT NULL",
    "UPDATE states SET entity_id = NULL WHERE metadata_id IS NOT NULL",
    "UPDATE states SET attributes_id = 1, attributes = NULL WHERE attributes_id IS NULL",
)


def test_a_migration_makes_no_readings_and_a_correction_does(db: RecorderDatabase) -> None:
    of_schema(db, 38)
    write(db, "sensor.attic", "32", 0)
    last = write(db, "sensor.attic", "50", 0.123456, attributes_id=None, attributes=FAHRENHEIT)
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        for statement in MIGRATION:
            db.run(statement.format(last))
        db.run("UPDATE states SET state = '51' WHERE state_id = %s", (last,))
        watching.until_rows(1)
    assert [(row.op, row.values["state"]) for row in watching.rows] == [("update", "51")]
    assert watching.counts == {"bookkeeping": 10 - 1}


@pytest.mark.parametrize("steps", range(len(MIGRATION) + 1))
@pytest.mark.parametrize("migrated", [1, 2, 3])
def test_a_reading_of_the_tables_amid_a_migration_finds_the_newest_of_each_entity(
    db: RecorderDatabase, steps: int, migrated: int
) -> None:
    of_schema(db, 38)
    ids = [write(db, "sensor.attic", "1", 0), write(db, "sensor.attic", "2", 2)]
    ids.append(write(db, "sensor.attic", "3", 1))
    write(db, "sensor.hall", "4", 0)
    for statement in MIGRATION[:steps]:
        db.run(statement.format(ids[migrated - 1]))
    with Watching(db.url) as watching:
        watching.until_live()
    assert {(r.values["entity_id"], r.values["state"]) for r in watching.rows} == {
        ("sensor.attic", "2"),
        ("sensor.hall", "4"),
    }
    assert len(watching.rows) == 2


def test_a_state_whose_entity_a_session_left_out_of_the_log_is_a_dead_letter_of_its_own(
    db: RecorderDatabase,
) -> None:
    of_schema(db, 38)
    with Watching(db.url, snapshot=False) as watching:
        watching.until_live()
        db.run("SET SESSION binlog_row_image = MINIMAL")
        state = write(db, "sensor.attic", "32", 0)
        db.run("UPDATE states SET state = '33' WHERE state_id = %s", (state,))
        db.run("SET SESSION binlog_row_image = FULL")
        watching.until_rows(2)
    found, errors = readings(watching)
    assert len(found) == 1
    assert ["binlog_row_image=FULL" in error.detail for error in errors] == [True]
