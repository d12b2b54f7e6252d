"""A recorder database of its own for a test, and a binlog reader on it with all that it reports."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pymysql

from connectors.base import Batch, ConnectorContext, Health
from connectors.mariadb.components import MariadbBinlog
from connectors.mariadb.connection import MariadbConnection
from infra.embedded.mariadb import HOST, REPLICATION, MariaDB
from infra.embedded.recorder_schema import TABLES
from operators.events import DeadLetter, Event, Row
from tests.waiting import PATIENCE, wait_until

RECORDER_TABLES = ["states", "states_meta", "state_attributes"]


class RecorderDatabase:
    """Home Assistant's tables in database `name`, the way its recorder writes them."""

    def __init__(self, server: MariaDB, name: str) -> None:
        self.server = server
        self.name = name
        self.admin = self.connect()
        self.run(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
        self.admin.select_db(name)
        self.run("SET SESSION sql_log_bin=0")
        for table in TABLES:
            self.run(table)
        self.run(f"GRANT SELECT ON {name}.* TO '{REPLICATION}'@'{HOST}'")
        self.run("SET SESSION sql_log_bin=1")

    def connect(self, **options: Any) -> Any:
        return pymysql.connect(
            **self.server.client_options("admin") | {"database": None, "autocommit": True} | options
        )

    @property
    def url(self) -> str:
        return self.server.url.rpartition("/")[0] + "/" + self.name

    def run(self, statement: str, values: Iterable[Any] | None = None) -> list[tuple[Any, ...]]:
        with self.admin.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def entity(self, name: str, attributes: str = "{}") -> tuple[int, int]:
        """(metadata_id, attributes_id) of a new entity."""
        with self.admin.cursor() as cursor:
            cursor.execute("INSERT INTO states_meta(entity_id) VALUES (%s)", (name,))
            metadata_id = cursor.lastrowid
            cursor.execute("INSERT INTO state_attributes(shared_attrs) VALUES (%s)", (attributes,))
            return metadata_id, cursor.lastrowid

    def state(self, entity: tuple[int, int], *values: str, at: float = 1000.5) -> list[int]:
        """Write states in one transaction; the ids they got."""
        ids = []
        with self.admin.cursor() as cursor:
            cursor.execute("BEGIN")
            for n, value in enumerate(values):
                cursor.execute(
                    "INSERT INTO states(state, last_updated_ts, metadata_id, attributes_id) VALUES"
                    " (%s, %s, %s, %s)",
                    (value, at + n, *entity),
                )
                ids.append(cursor.lastrowid)
            cursor.execute("COMMIT")
        return ids

    def purge(self) -> None:
        """Throw away all of the log but its last file; the server keeps files for a moment that
        a reader had open.
        """
        self.run("FLUSH BINARY LOGS")

        def only_the_last_is_left() -> bool:
            last = self.run("SHOW BINARY LOGS")[-1][0]
            self.run("PURGE BINARY LOGS TO %s", (last,))
            return len(self.run("SHOW BINARY LOGS")) == 1

        wait_until(only_the_last_is_left, what="the server to purge its log", every=0.2)

    def gtid(self) -> str:
        """The position of the log: the last transaction of each domain."""
        return str(self.run("SELECT @@global.gtid_binlog_pos")[0][0])

    def last_gtid(self) -> str:
        """The last transaction of this connection."""
        return str(self.run("SELECT @@last_gtid")[0][0])


class Watching:
    """A reader on a database, read by hand."""

    def __init__(
        self,
        url: str,
        position: object | None = None,
        name: str = "recorder",
        server_id: int | None = None,
        folder: Path | None = None,
        dead_letter: Callable[[DeadLetter], None] | None = None,
        columns: bool = False,
        **settings: Any,
    ) -> None:
        self.counts: dict[str, int] = {}
        self.letters: list[DeadLetter] = []
        self.changes: list[tuple[bool, str]] = []
        self.health = Health(lambda name, up, detail: self.changes.append((up, detail)))
        self.context = ConnectorContext(
            flow="test",
            name=name,
            connection=MariadbConnection(url=url, server_id=server_id),
            health=self.health,
            count=self._count,
            dead_letter=dead_letter or self.letters.append,
            folder=folder,
            columns=columns,
        )
        self.source = MariadbBinlog(**{"tables": RECORDER_TABLES} | settings)
        self.source.partitions(self.context)
        self.reader = self.source.open(self.context, "0", position)
        self.rows: list[Row] = []
        self.events: list[Event] = []
        self.batches: list[Batch] = []

    def __enter__(self) -> "Watching":
        return self

    def __exit__(self, *exc: object) -> None:
        self.reader.close()

    def _count(self, word: str, n: int) -> None:
        self.counts[word] = self.counts.get(word, 0) + n

    def read(self) -> Batch | None:
        batch = self.reader.read()
        if batch is not None:
            self.batches.append(batch)
            self.events += batch.events
            self.rows += [event for event in batch.events if isinstance(event, Row)]
        return batch

    def until(
        self, condition: Callable[[], Any], what: str, timeout: float = PATIENCE
    ) -> "Watching":
        wait_until(lambda: (self.read(), condition())[1], timeout, what, every=0.005)
        return self

    def until_rows(self, count: int) -> "Watching":
        self.until(lambda: len(self.events) >= count, f"{count} rows (health: {self.health.down})")
        return self

    def until_live(self) -> "Watching":
        return self.until(
            lambda: self.batches and self.batches[-1].live,
            f"the end of the log (health: {self.health.down})",
        )

    def degraded(self) -> str:
        """Wait for what the reader has to complain about."""
        self.until(lambda: self.health.down, "a complaint")
        return next(iter(self.health.down.values()))

    @property
    def states(self) -> list[Any]:
        return [row.values["state"] for row in self.rows]

    @property
    def position(self) -> Any:
        return self.reader.position()
