"""ClickHouse: the sink that keeps history, and the connection others read it through."""

import math
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
from pydantic import Field, SecretStr, field_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.clickhouse_tables import Layout, layout_of
from connectors.queueing import BatchWriter, Retry
from operators.component import Spec
from operators.events import DeadLetter, Event, encode_lines
from operators.quantity import Duration

NOT_THERE = ("Code: 60.", "Code: 81.")


class ClickHouseConnection(Spec):
    """Where ClickHouse is: its HTTP interface, and the database."""

    url: str = Field(description="Address with the database as path.", examples=["http://clickhouse:8123/sentinel"])
    username: str = Field("default", description="User; needs INSERT, SELECT and CREATE TABLE on the database.")
    password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    ca: str | None = Field(None, description="File of the certificate authority, in PEM form, for https.")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://clickhouse:8123/sentinel")
        if parts.password:
            raise ValueError("write user and password under 'username' and 'password', not in the address")
        return url

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.strip("/") or "default"

    def client(self, database: str | None = None, timeout: float = 30.0) -> Client:
        """A client of the database; raises `ClickHouseError` while the server does not answer."""
        parts = urlsplit(self.url)
        return clickhouse_connect.get_client(
            host=parts.hostname,
            port=parts.port or (8443 if parts.scheme == "https" else 8123),
            secure=parts.scheme == "https",
            username=self.username,
            password=self.password.get_secret_value(),
            database=self.database if database is None else database,
            ca_cert=self.ca,
            connect_timeout=5,
            send_receive_timeout=timeout,
            autogenerate_session_id=False,
            query_retries=0,
        )


class ClickHouse(Sink):
    """Keeps events as rows of a ClickHouse table, which it creates if it does not exist.

    Readings, alarm transitions and everything else each have their own columns; a table holds one kind. Rows with the
    same id are one row (ReplacingMergeTree): read with FINAL.

    Delivery: at least once, by thousands of rows an insert; what is written again after a crash replaces itself.
    Back pressure: blocks the flow while ClickHouse is down or slow; the topic keeps what comes.
    """

    NAME: ClassVar[str] = "clickhouse"
    SHORT: ClassVar[str] = "table"
    CONNECTION: ClassVar[type[ClickHouseConnection]] = ClickHouseConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "clickhouse: readings",
        "clickhouse: {table: events, partition: month, keep: 365d}",
    )

    table: str = Field(
        description="Table of the connection's database.", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["events"]
    )
    partition: Literal["day", "month"] = Field("month", description="How the table is cut into partitions, by time.")
    keep: Duration | None = Field(
        None, ge=86400, description="How long rows are kept (TTL, whole days); for ever without. Counts when the table is created.", examples=["365d"]
    )  # fmt: skip
    connection: str = Field("clickhouse", description="Connection of the site file.")

    def open(self, context: ConnectorContext) -> Writer:
        return BatchWriter(context, _Inserter(self, context).insert, max_events=20_000, max_wait=0.5)


class _Inserter:
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
        if len(fitting) < len(events):
            self._refuse([event for event in events if layout_of(event) is not layout], layout)
        try:
            if self._client is None:
                self._connect(layout)
            assert self._client is not None
            self._client.insert_arrow(self._sink.table, layout.arrow(fitting))
        except (ClickHouseError, OSError) as error:
            self._client = None
            raise Retry(self._explain(error)) from error
        self._layout = layout

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


def rows(client: Client, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of a query as dicts; values only through `parameters`."""
    return list(client.query(sql, parameters=parameters).named_results())
