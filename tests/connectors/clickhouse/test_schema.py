"""Tables of which the making was cut off, and those of earlier versions, on a real engine."""

import pytest

from connectors.base import ConnectorError
from connectors.clickhouse.changes import migrations
from connectors.clickhouse.client import connect
from connectors.clickhouse.columns import KINDS
from connectors.clickhouse.components import ClickHouse
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.clickhouse.table_comment import TableComment
from connectors.clickhouse.writer import Inserter
from infra.embedded import clickhouse
from operators.events import Event, Occurrence
from tests.connectors.clickhouse.test_writer import transition
from tests.connectors.recorder import Recorder, reading
from tests.faults import killed_after_each_effect

EVENTS: dict[str, Event] = {
    "readings": reading(1),
    "alarms": transition(1, "activated", 1_795_000_000.0),
    "events": Occurrence(id="o1", time=1_795_000_000.0, subject="door", type="press"),
}


@pytest.fixture
def connection(clickhouse: clickhouse.ClickHouse, unique: str) -> ClickHouseConnection:
    return ClickHouseConnection(url=f"{clickhouse.url}/{unique}", password=clickhouse.password)


def insert(connection: ClickHouseConnection, kind: str) -> None:
    """What a flow does with the first event of a sink whose definition does not say its kind."""
    sink = ClickHouse(table="kept")
    Inserter(Recorder().context("history", connection), sink.declared()).insert([EVENTS[kind]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_flow_that_is_killed_while_it_makes_a_table_finishes_it_at_its_next_start(
    connection: ClickHouseConnection, kind: str
) -> None:
    def numbered(number: int) -> ClickHouseConnection:
        return connection.model_copy(update={"url": f"{connection.url}_{number}"})

    for number in killed_after_each_effect(insert, lambda number: (numbered(number), kind)):
        insert(numbered(number), kind)
        schema = Schema(connect(numbered(number)), "")
        found = schema.check(Declared("kept", None))
        assert found is not None
        assert (found.kind, found.number) == (kind, migrations(kind)[-1].number)
        assert not found.being_made
        assert schema.plan(Declared("kept", kind)) == []
        assert schema._client.command("SELECT count() FROM kept FINAL") == 1


def migrate(connection: ClickHouseConnection) -> None:
    """What `vigie migrate` does with the tables that there are, and one that is not."""
    schema = Schema(connect(connection), "")
    for table, kind in (("old", "alarms"), ("new", "readings")):
        schema.migrate(Declared(table, kind, keep_days=30))


def test_a_migration_that_is_killed_is_finished_by_the_next(
    connection: ClickHouseConnection,
) -> None:
    def prepared(number: int) -> ClickHouseConnection:
        numbered = connection.model_copy(update={"url": f"{connection.url}_{number}"})
        schema = Schema(connect(numbered), "")
        schema.migrate(Declared("old", "alarms"))
        schema._client.command("ALTER TABLE old MODIFY COMMENT 'Vigie: alarms, version 1'")
        schema._client.command("DROP VIEW old_rate")
        return numbered

    places = {}

    def arguments(number: int) -> tuple[ClickHouseConnection]:
        places[number] = prepared(number)
        return (places[number],)

    for number in killed_after_each_effect(migrate, arguments):
        migrate(places[number])
        schema = Schema(connect(places[number]), "")
        assert schema.known() == ["new", "old"]
        for table in schema.known():
            found = schema.check(Declared(table, None))
            assert found is not None
            assert found.keep_days == 30
        assert schema._client.command("SELECT count() FROM old_rate") == 0


def earlier_version_made(connection: ClickHouseConnection, kind: str, recorded: bool) -> Schema:
    """A table as versions made it that recorded the migrations in a table of their own."""
    schema = Schema(connect(connection), "")
    schema.migrate(Declared("kept", kind))
    schema._client.command("ALTER TABLE kept MODIFY COMMENT 'Of the cellar.'")
    schema._client.command(
        "CREATE TABLE vigie_migrations (`table` String, kind LowCardinality(String), number UInt32,"
        " name String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')) ENGINE ="
        " ReplacingMergeTree ORDER BY (`table`, kind, number)"
    )
    for migration in migrations(kind) if recorded else ():
        schema._client.command(
            "INSERT INTO vigie_migrations (`table`, kind, number, name) VALUES"
            f" ('kept', '{kind}', {migration.number}, '{migration.name}')"
        )
    return schema


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_of_an_earlier_version_is_written_and_says_what_it_is_once_migrated(
    connection: ClickHouseConnection, kind: str
) -> None:
    schema = earlier_version_made(connection, kind, recorded=True)
    insert(connection, kind)
    assert schema.known() == ["kept"]
    newest = migrations(kind)[-1].number
    assert [change.words for change in schema.migrate(Declared("kept", None))] == [
        f"kept: says in its comment that it holds {kind}, version {newest}"
    ]
    schema._client.command("DROP TABLE vigie_migrations")
    found = schema.check(Declared("kept", None))
    assert found is not None
    assert (found.kind, found.number) == (kind, newest)
    assert found.comment == f"Of the cellar. Vigie: {kind}, version {newest}"
    assert schema.known() == ["kept"]
    assert schema.plan(Declared("kept", None)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_an_earlier_version_left_without_a_record_is_known_by_its_columns(
    connection: ClickHouseConnection, kind: str
) -> None:
    earlier_version_made(connection, kind, recorded=False)
    with pytest.raises(ConnectorError, match=r"has schema version 0, .* run `vigie migrate`"):
        insert(connection, kind)
    insert(connection.model_copy(update={"migrate": True}), kind)
    insert(connection, kind)
    assert connect(connection).command("SELECT count() FROM kept FINAL") == 1


def test_the_comment_keeps_the_words_of_others() -> None:
    made = TableComment("alarms", 1, being_made=True)
    comment = made.within("Ask Ada.")
    assert TableComment.parse(comment) == made
    assert TableComment("alarms", 4).within(comment) == "Ask Ada. Vigie: alarms, version 4"
    assert TableComment.parse("Vigie is watching.") is None
