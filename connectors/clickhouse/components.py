"""ClickHouse: the sink that keeps history, and the connection others read it through."""

import logging
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connectors.base import ConnectorContext, Sink, Writer
from connectors.runtime.batch_writer import BatchWriter
from operators.component import Spec
from operators.model.units import Duration

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_quiet = logging.getLogger("urllib3.connectionpool")


class ClickHouseConnection(Spec):
    """Where ClickHouse is: its HTTP interface, and the database."""

    url: str = Field(
        description="Address with the database as path.",
        examples=["http://clickhouse:8123/sentinel"],
    )
    username: str = Field(
        "default",
        description=(
            "User; a flow needs INSERT and SELECT on the database, `vigie migrate` also CREATE"
            " TABLE, CREATE VIEW and ALTER TABLE."
        ),
    )
    password: SecretStr = Field(SecretStr(""), description="Password of that user.")
    ca: str | None = Field(
        None, description="File of the certificate authority, in PEM form, for https."
    )
    migrate: bool = Field(
        False,
        description=(
            "A flow brings older tables up to date at its start, as `vigie migrate` does; off, it"
            " refuses to start."
        ),
    )

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://clickhouse:8123/sentinel")
        if parts.password:
            raise ValueError(
                "write user and password under 'username' and 'password', not in the address"
            )
        return url

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.strip("/") or "default"

    def client(self, database: str | None = None, timeout: float = 30.0) -> "Client":
        """A client of the database; raises `ClickHouseError` while the server does not answer."""
        import clickhouse_connect

        # Importing the client turns the lines about its retries on; who calls reports a failure,
        # once.
        _quiet.setLevel(logging.CRITICAL)
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
    """Keeps events as rows of a ClickHouse table.

    Readings, alarm transitions and everything else each have their own columns; a table holds one
    kind. Rows with the same id are one row (ReplacingMergeTree): read with FINAL. `vigie migrate`
    makes the tables and brings them up to date; a table that is not there is made with the first
    event, if the user may. Beside a table of alarms stand the views
    `TABLE_current` (the last change of each alarm), `TABLE_rate` (per ten minutes) and `TABLE_kpi`
    (per day, after EEMUA 191).

    Delivery: at least once, by thousands of rows an insert; what is written again after a crash
    replaces itself.
    Back pressure: blocks the flow while ClickHouse is down or slow; the topic keeps what comes.
    """

    NAME: ClassVar[str] = "clickhouse"
    SHORT: ClassVar[str] = "table"
    CONNECTION: ClassVar[type[ClickHouseConnection]] = ClickHouseConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "clickhouse: readings",
        "clickhouse: {table: events, partition: month, keep: 365d}",
        "clickhouse: {table: measured, kind: readings}",
    )

    table: str = Field(
        description="Table of the connection's database.",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        examples=["events"],
    )
    kind: Literal["readings", "alarms", "events"] | None = Field(
        None,
        description=(
            "What the table holds; found from what the sink reads when left out, and from its first"
            " event where that does not tell."
        ),
    )
    partition: Literal["day", "month"] = Field(
        "month", description="How the table is cut into partitions, by time."
    )
    keep: Duration | None = Field(
        None,
        ge=86400,
        description=(
            "How long rows are kept (TTL, whole days); for ever without. `vigie migrate` applies a"
            " change."
        ),
        examples=["365d"],
    )
    connection: str = Field("clickhouse", description="Connection of the site file.")

    def open(self, context: ConnectorContext) -> Writer:
        from connectors.clickhouse.writer import Inserter

        return BatchWriter(context, Inserter(self, context).insert, max_events=20_000, max_wait=0.5)


def rows(client: "Client", sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of a query as dicts; values only through `parameters`."""
    return list(client.query(sql, parameters=parameters).named_results())
