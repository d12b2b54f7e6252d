"""MariaDB's binary log: every row change of the watched tables, as it is committed."""

from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from connectors.base import ConnectorContext, ConnectorError, Reader, Source
from connectors.mariadb.connection import MariadbConnection, server_id
from connectors.mariadb.row_mapping import RowMapping
from connectors.mariadb.settings import Settings
from connectors.runtime.optional_packages import needing


class MariadbBinlog(Source):
    """Reads the row changes of MariaDB tables from the binary log, from where the flow left off.

    With `snapshot`, a flow without a saved position starts with what the tables hold: of Home
    Assistant's `states` the latest row of each entity, with `snapshot` set. The server needs
    `log_bin`, `binlog_format=ROW`,
    `binlog_row_image=FULL` and, better, `binlog_row_metadata=FULL`; the user needs the privileges
    SELECT, REPLICATION SLAVE and BINLOG MONITOR (REPLICATION CLIENT before MariaDB 10.5). What is
    missing is said with the line that sets it, and picked up when it is there.

    Delivery: the position (GTID) is kept in the flow's own recovery store. After a crash at most
    the last second is read again; every row has an id that stays the same. A flow that is killed
    before a first position was saved begins again where it began. If the server has purged the
    position, the loss is reported, and with `snapshot` the tables are read again: rows of `states`
    that came meanwhile are read from the table.
    Back pressure: reads ahead at most some 20,000 rows, then leaves the rest to the server.
    """

    NAME: ClassVar[str] = "mariadb_binlog"
    CONNECTION: ClassVar[type[MariadbConnection]] = MariadbConnection
    EXAMPLES: ClassVar[tuple[str, ...]] = (
        "mariadb_binlog: {tables: [states, states_meta, state_attributes]}",
        "mariadb_binlog: {tables: [shop.orders], snapshot: false, connection: shop_db}",
        (
            "mariadb_binlog: {tables: [meters], rows: {meters: {subject: meter, metric: power,"
            " value: watts, unit: W, time: at}}}"
        ),
    )

    tables: list[str] = Field(
        min_length=1,
        description=(
            "Tables to read, of the connection's database or as `database.table`. With `states`,"
            " Home Assistant's helper tables `states_meta` and `state_attributes` are used to name"
            " the entities."
        ),
        examples=[["states", "states_meta", "state_attributes"]],
    )
    snapshot: bool = Field(
        True,
        description=(
            "Begin with what the tables hold; off: only changes from now on, and a purged position"
            " stops."
        ),
    )
    rows: dict[str, RowMapping] = Field(
        {},
        description=(
            "Makes readings or occurrences of the rows of other tables, by table as it is written"
            " in `tables`."
        ),
        examples=[
            {"meters": {"subject": "meter", "metric": "power", "value": "watts", "unit": "W"}}
        ],
    )
    connection: str = Field("mariadb", description="Connection of the site file.")

    @field_validator("tables")
    @classmethod
    def _table_names(cls, names: list[str]) -> list[str]:
        for name in names:
            if not all(name.split(".")) or name.count(".") > 1:
                raise ValueError(f"{name!r} is no table: write `table` or `database.table`")
        return names

    @model_validator(mode="after")
    def _mapped_tables_are_read(self) -> Self:
        if unknown := sorted(self.rows.keys() - set(self.tables)):
            raise ValueError(
                f"`rows` maps {', '.join(unknown)}, which `tables` does not name; it names"
                f" {', '.join(self.tables)}"
            )
        return self

    def partitions(self, context: ConnectorContext) -> list[str]:
        """One; raises `ConnectorError` if the connection's URL is missing or malformed."""
        if context.connection is None:
            raise ConnectorError(
                f"source {context.name} has no connection {self.connection!r} in the site file"
            )
        context.connection.address()
        _reader_class()
        return ["0"]

    def open(self, context: ConnectorContext, partition: str, position: object | None) -> Reader:
        """Open the log at a position; without one, with the tables as they are or at its end."""
        connection: MariadbConnection = context.connection
        settings = Settings(
            address=connection.address(),
            ca=connection.ca,
            server_id=connection.server_id or server_id(context.flow, context.name),
            tables=tuple(self.tables),
            snapshot=self.snapshot,
            rows=self.rows,
        )
        reader: Reader = _reader_class()(context, settings, position)
        return reader


def _reader_class() -> Any:
    with needing("mariadb_binlog", "binlog", "pymysql"):
        from connectors.mariadb.reader import BinlogReader

    return BinlogReader
