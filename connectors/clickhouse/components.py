"""ClickHouse: the sink that keeps history."""

from typing import ClassVar, Literal

from pydantic import Field

from connectors.base import ConnectorContext, Sink, Writer
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.table import Declared
from connectors.config.retention import whole_days
from connectors.runtime.batch_writer import BatchWriter
from connectors.runtime.far_end_check import FarEndCheck, any_answer
from connectors.runtime.optional_packages import needing
from operators.model.units import Duration


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
    TAKES_COLUMNS: ClassVar[bool] = True
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

    def declared(self, kind: str | None = None) -> Declared:
        """The table that the sink names; `kind` counts where its definition has none."""
        keep_days = None if self.keep is None else whole_days(self.keep)
        return Declared(self.table, self.kind or kind, self.partition, keep_days)

    def open(self, context: ConnectorContext) -> Writer:
        """Make the writer; it looks at the table with the first batch."""
        with needing(f"{context.name}: clickhouse", "clickhouse", "clickhouse_connect", "pyarrow"):
            from connectors.clickhouse.writer import Inserter

        inserter = Inserter(context, self.declared())
        connection: ClickHouseConnection = context.connection
        answers = any_answer(connection.url, connection.ca, "/ping", "ClickHouse")
        return BatchWriter(
            context,
            inserter.insert,
            max_events=20_000,
            max_wait=0.5,
            idle=FarEndCheck(answers),
            takes=inserter.takes,
            takes_proves=True,
        )
