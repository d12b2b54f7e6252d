"""Rows per CPU-second into ClickHouse: topic → flow → table, beside bare inserts through
clickhouse-connect.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.clickhouse.client import connect
from connectors.clickhouse.columns import READINGS
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.kafka.connection import TopicConnection
from infra.embedded.service import ServiceError
from infra.embedded.stack import Stack
from operators.events import Reading
from tests.bench.readings import publish, readings
from tests.bench.report import Figure
from tests.flow_process import FlowProcess, cpu_of
from tests.waiting import wait_until

ROWS = 2_000_000
BARE_ROWS = 400_000
BATCH = 20_000
OTHER_SINK = "  none: {from: readings, only: {subject: nobody}, topic: bench.none}\n"
NAMES = [column.name for column in READINGS.columns]


def clickhouse_rows(folder: Path) -> list[Figure]:
    """Rows per CPU-second of the flow process from a packed topic into ClickHouse, and of this
    process with bare inserts of rows that are there as Python lists: as they are, and through
    Arrow columns. A second sink, to which nothing goes, makes the first one write from its outbox.
    """
    with Stack(folder, ["redpanda", "clickhouse"]) as stack:
        broker = TopicConnection(**stack.connections()["redpanda"])
        publish(broker, "bench.packed", ROWS, pack=True)
        publish(broker, "bench.arrow", ROWS, pack="arrow")
        before = cpu_of(stack["clickhouse"].pid)
        ours = _flow(stack, folder, "direct")
        store = 1e6 * (cpu_of(stack["clickhouse"].pid) - before) / ROWS
        columns = _flow(stack, folder, "columns", topic="bench.arrow")
        through = _flow(stack, folder, "outboxed", OTHER_SINK)
        connection = ClickHouseConnection.model_validate(stack.connections()["clickhouse"])
        plain = _bare(
            connection, "bare_rows", lambda client, table, rows: client.insert(table, rows, NAMES)
        )
        arrow = _bare(connection, "bare_arrow", _insert_arrow)
    name, unit = "topic → ClickHouse sink", "rows per CPU-second"
    return [
        Figure(name, ours, unit, "clickhouse-connect, insert of rows", plain, "≥ 300,000"),
        Figure(f"{name}: CPU of ClickHouse", store, "µs a row"),
        Figure(f"{name}, records of Arrow", columns, unit, bound="≥ 1,500,000"),
        Figure(
            f"{name}, beside Arrow",
            ours,
            unit,
            "clickhouse-connect, rows → Arrow → insert_arrow",
            arrow,
            None,
        ),
        Figure("topic → outbox → ClickHouse sink", through, unit, "without outbox", ours, None),
    ]


def _flow(
    stack: Stack, folder: Path, table: str, more: str = "", topic: str = "bench.packed"
) -> float:
    definition = folder / f"bench_{table}.yaml"
    definition.write_text(
        f"vigie: 1\nflow: bench_{table}\nsources: {{readings: {{topic: {topic}}}}}\n"
        f"sinks:\n  rows: {{from: readings, clickhouse: {{table: {table}}}}}\n{more}"
    )
    query: Callable[[str], str] = stack["clickhouse"].query
    with FlowProcess(definition, stack.site, folder / "data") as flow:
        wait_until(lambda: _count(query, table) >= ROWS, 120, f"{ROWS} rows in {table}", every=0.5)
        return ROWS / (flow.cpu() - flow.running_cpu)


def _count(query: Callable[[str], str], table: str) -> int:
    try:
        return int(query(f"SELECT count() FROM vigie.{table}").strip())
    except (OSError, ServiceError):
        return 0


def _bare(
    connection: ClickHouseConnection,
    table: str,
    insert: Callable[[Any, str, list[list[Any]]], object],
) -> float:
    client = connect(connection)
    Schema(client, connection.database).migrate(Declared(table, "readings"))
    spent = 0.0
    for rows in _rows():
        before = time.process_time()
        insert(client, table, rows)
        spent += time.process_time() - before
    found = client.command(f"SELECT count() FROM {table}")
    if found != BARE_ROWS:
        raise AssertionError(f"{found} rows in {table}, {BARE_ROWS} were inserted")
    return BARE_ROWS / spent


def _insert_arrow(client: Any, table: str, rows: list[list[Any]]) -> None:
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array(
            [list(value.items()) for value in values] if column.name == "labels" else values,
            column.arrow,
        )
        for column, values in zip(READINGS.columns, columns, strict=True)
    ]
    client.insert_arrow(table, pa.Table.from_arrays(arrays, NAMES))


def _rows() -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    for events in readings(BARE_ROWS):
        batch += [_row(event) for event in events if isinstance(event, Reading)]
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _row(event: Reading) -> list[Any]:
    fields = {name: getattr(event, name) for name in NAMES}
    return list({**fields, "time": datetime.fromtimestamp(event.time, UTC)}.values())
