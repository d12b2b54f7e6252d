"""The running side of the ClickHouse sink: batches of events become Arrow inserts."""

import math

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from connectors.base import ConnectorContext
from connectors.clickhouse import ClickHouse, ClickHouseConnection
from connectors.clickhouse_tables import Layout, layout_of
from connectors.queueing import Retry
from operators.events import DeadLetter, Event, encode_lines

NOT_THERE = ("Code: 60.", "Code: 81.")


class Inserter:
    """Inserts batches; one client, made anew after every failure. Runs in the writer's thread."""

    def __init__(self, sink: ClickHouse, context: ConnectorContext) -> None:
        self._sink = sink
        self._context = context
        self._connection: ClickHouseConnection = context.connection
        self._client: Client | None = None
        self._layout: Layout | None = None

    def insert(self, events: list[Event]) -> None:
        layout = self._layout or layout_of(events[0])
        fitting = [event for event in events if layout_of(event) is layout]
        try:
            if self._client is None:
                self._connect(layout)
            assert self._client is not None
            self._client.insert_arrow(self._sink.table, layout.arrow(fitting))
        except (ClickHouseError, OSError) as error:
            self._client = None
            raise Retry(self._explain(error)) from error
        self._layout = layout
        if len(fitting) < len(events):  # only now: a batch that is tried again is refused once
            self._refuse([event for event in events if layout_of(event) is not layout], layout)

    def _connect(self, layout: Layout) -> None:
        database = self._connection.database
        try:
            client = self._connection.client()
        except DatabaseError as error:
            if "Code: 81." not in str(error):
                raise
            self._connection.client("").command(f"CREATE DATABASE IF NOT EXISTS `{database}`")
            client = self._connection.client()
        days = math.ceil(self._sink.keep / 86400) if self._sink.keep else None
        client.command(layout.create(self._sink.table, self._sink.partition, days))
        self._client = client

    def _refuse(self, events: list[Event], layout: Layout) -> None:
        self._context.count("other_kind", len(events))
        for event in events:
            kind = layout_of(event).name
            self._context.dead_letter(
                DeadLetter(
                    id=f"{event.id}/{self._context.name}",
                    time=event.time,
                    flow=self._context.flow,
                    step=self._context.name,
                    reason="other_kind",
                    detail=f"table {self._sink.table} holds {layout.name}, this is of {kind}; give {kind} a sink of their own",
                    origin=self._context.name,
                    payload=encode_lines([event]),
                )
            )

    def _explain(self, error: BaseException) -> str:
        text = " ".join(str(error).split())[:300]
        where = f"ClickHouse at {self._connection.url}"
        if "Code: 516." in text or "Authentication failed" in text:
            return f"{where} refuses user {self._connection.username!r}: check username and password in the site file"
        if any(code in text for code in NOT_THERE):
            return f"{where}: table or database is gone and is made again ({text})"
        return f"{where} does not take rows ({text}); is it running, and may the user insert?"
