"""MariaDB's binary log: every row change of the watched tables, as it is committed."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from connectors.base import ConnectorContext, ConnectorError, Reader, Source
from connectors.mariadb.row_mapping import RowMapping
from operators.component import Spec

SCHEMES = ("mysql", "mariadb")
URL_FORM = "mysql://user:password@host:3306/homeassistant"


@dataclass(frozen=True)
class Address:
    """The parts of a MariaDB URL."""

    host: str
    port: int
    user: str
    database: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"


class MariadbConnection(Spec):
    """Where the MariaDB server is whose binary log is read."""

    url: SecretStr = Field(
        SecretStr(""),
        description=f"Address, user, password and database, as `{URL_FORM}`.",
        examples=["${MARIADB_URL}"],
    )
    server_id: int | None = Field(
        None, ge=1, le=4294967295,
        description="Number this reader shows to the server, different from the server's own and from every replica's; "
        "by default it follows from the names of flow and source.",
    )  # fmt: skip
    ca: str | None = Field(
        None,
        description=(
            "File of the certificate authority, in PEM form; with it the connection is encrypted."
        ),
    )

    def address(self) -> Address:
        """The parts of `url`; raises `ConnectorError` if it is missing or malformed, without
        showing the password.
        """
        url = self.url.get_secret_value().strip()
        if not url:
            raise ConnectorError(
                f"the MariaDB connection has no url: set MARIADB_URL={URL_FORM} in the environment "
                "(and `url: ${MARIADB_URL}` in the site file)"
            )
        return parse_url(url)


def parse_url(url: str) -> Address:
    """Split `mysql://user:password@host:port/database`; raises `ConnectorError` that names what
    is wrong with it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:  # the error's own text may hold a part of the password
        raise _malformed("its host or port cannot be read") from None
    if parts.scheme.partition("+")[0] not in SCHEMES:
        raise _malformed(
            f"it begins with {parts.scheme + '://' if parts.scheme else 'no scheme'!r}, not"
            " mysql://"
        )
    if not parts.hostname:
        raise _malformed("it names no host")
    if not parts.username:
        raise _malformed("it names no user")
    database = unquote(parts.path.strip("/"))
    if not database or "/" in database:
        raise _malformed(
            "it names no database after the host"
            if not database
            else "it names more than one database"
        )
    return Address(
        parts.hostname, port, unquote(parts.username), database, unquote(parts.password or "")
    )


def _malformed(why: str) -> ConnectorError:
    return ConnectorError(
        f"MARIADB_URL is malformed: {why}; expected {URL_FORM}, with characters such as @ : / in"
        " the password written as %40 %3A %2F"
    )


def server_id(flow: str, source: str) -> int:
    """A replica number that stays the same for this flow and source: 2,000,000,000 to
    3,999,999,999.
    """
    return (
        2_000_000_000
        + int.from_bytes(hashlib.sha256(f"{flow}/{source}".encode()).digest()[:8]) % 2_000_000_000
    )


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
        reader: Reader = _reader_class()(self, context, position)
        return reader


def _reader_class() -> Any:
    try:
        from connectors.mariadb.reader import BinlogReader
    except ModuleNotFoundError as error:
        raise ConnectorError(
            f"mariadb_binlog needs {error.name}: pip install 'vigie[binlog]'"
        ) from error
    return BinlogReader
