"""How long each table and topic of a site keeps what it holds, and how much that is."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from clickhouse_connect.driver.exceptions import ClickHouseError
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from connectors.base import NoAnswer
from connectors.clickhouse.client import error_text, open_client
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.kafka.admin import explain
from connectors.kafka.connection import TopicConnection
from connectors.kafka.topics.settings import read_settings

_DAY_MS = 86_400_000


class Kept(NamedTuple):
    """A table, topic or bucket, how long it keeps things, what else is to be said of it."""

    what: str
    keeps: str
    note: str


def of_tables(connection: ClickHouseConnection, declared: Sequence[Declared]) -> Iterator[Kept]:
    """The tables of a database that Vigie made; raises `NoAnswer`."""
    wanted = {one.table: one.keep_days for one in declared}
    try:
        client = open_client(connection)
        schema = Schema(client, connection.database)
        for table in schema.known():
            found = schema.look(table)
            ((rows, size),) = client.query(
                "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active"
                " AND database = currentDatabase() AND table = {table:String}",
                parameters={"table": table},
            ).result_rows
            note = f"{int(rows)} rows, {int(size) / 1e6:.1f} MB"
            keeps = found.keep_days if found is not None else None
            if table in wanted and wanted[table] != keeps:
                note += f"; its sink says {days_text(wanted[table])}: vigie migrate applies that"
            yield Kept(f"table {table}", days_text(keeps), note)
        client.close()
    except (ClickHouseError, OSError) as error:
        raise NoAnswer(f"ClickHouse at {connection.url}: {error_text(error)}") from error


def of_topics(connection: TopicConnection) -> Iterator[Kept]:
    """The topics of a broker; raises `NoAnswer`."""
    try:
        admin = KafkaAdminClient(**connection.client_options(), bootstrap_timeout_ms=5_000)
        try:
            settings = read_settings(admin, admin.list_topics())
        finally:
            admin.close()
    except (KafkaError, OSError) as error:
        raise NoAnswer(explain(error, connection)) from error
    for topic, found in sorted(settings.items()):
        if "compact" in found.get("cleanup.policy", ""):
            yield Kept(f"topic {topic}", "the last record of each key", "")
            continue
        size = int(found.get("retention.bytes", "-1"))
        time = int(found.get("retention.ms", "-1"))
        note = f"at most {size / 1e6:.0f} MB a partition" if size >= 0 else ""
        yield Kept(f"topic {topic}", days_text(None if time < 0 else time / _DAY_MS), note)


def days_text(days: float | None) -> str:
    """How long something is kept; None is for ever."""
    return "for ever" if days is None else f"{days:g} days"
