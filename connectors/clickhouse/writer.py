"""The running side of the ClickHouse sink: batches of events become Arrow inserts."""

import logging
from dataclasses import replace

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from connectors.base import ConnectorContext, ConnectorError
from connectors.clickhouse.client import (
    blames_rows,
    connect,
    error_text,
    is_denied,
    is_missing,
    is_wrong_password,
)
from connectors.clickhouse.columns import KINDS, TableKind, kind_of
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.schema import Schema
from connectors.clickhouse.table import Declared
from connectors.runtime.error_text import encryption_fault
from connectors.runtime.threaded_writer import Retry
from operators.events import Event

log = logging.getLogger("vigie")

SETTINGS = {"max_partitions_per_insert_block": 0}
"""A batch of old events may be of more partitions than the 100 that ClickHouse takes."""


class Inserter:
    """Inserts batches; one client, made anew after every failure. Runs in the writer's thread.

    The table is looked at when the first batch comes, and made if it is not there; one that does
    not fit ends the flow.
    """

    def __init__(self, context: ConnectorContext, declared: Declared) -> None:
        self._declared = replace(declared, zone=context.timezone.key)
        self._context = context
        self._connection: ClickHouseConnection = context.connection
        self._client: Client | None = None
        self._kind: TableKind | None = KINDS.get(declared.kind or "")
        self._noted = False

    def insert(self, events: list[Event]) -> None:
        """Insert one batch.

        Raises `Retry` while ClickHouse does not take it, `ConnectorError` for a table that does not
        fit; for one that did before, `Retry`: somebody altered it.
        """
        try:
            if self._client is None:
                self._connect(events[0])
            assert self._client is not None and self._kind is not None
            kind = self._kind
            fitting = kind.chosen(events)
            if fitting:
                self._write(self._client, kind, fitting)
        except (ClickHouseError, OSError) as error:
            self._client = None
            raise Retry(self._explain(error), suspect=blames_rows(error)) from error
        except ConnectorError as error:
            if not self._noted:
                raise
            raise Retry(str(error)) from error
        if len(fitting) < len(events):  # only now: a batch that is tried again is refused once
            self._refuse([event for event in events if kind_of(event) is not kind], kind)

    def takes(self) -> bool:
        """Whether ClickHouse takes rows into the table at all; writes none."""
        if self._kind is None:
            return False
        try:
            self._write(connect(self._connection), self._kind, [])
        except (ClickHouseError, OSError, Retry):
            return False
        return True

    def _write(self, client: Client, kind: TableKind, events: list[Event]) -> None:
        done = client.insert_arrow(self._declared.table, kind.arrow(events), settings=SETTINGS)
        if not done.query_id():  # such as a proxy's page for logging in
            raise Retry(self._no_clickhouse())

    def _no_clickhouse(self) -> str:
        return (
            f"{self._connection.url} answers, but not as ClickHouse does; redirects are not"
            " followed: check url of the connection, and what stands before the server"
        )

    def _connect(self, first: Event) -> None:
        client = connect(self._connection)
        schema = Schema(client, self._connection.database)
        kind = self._kind
        declared = self._declared
        if kind is not None:
            declared = replace(declared, kind=kind.name)
        known = schema.look(declared.table)
        if known is not None and (self._connection.migrate or known.being_made):
            schema.migrate(declared)
        found = schema.check(declared)
        if found is None:
            kind = kind or kind_of(first)
            schema.migrate(replace(declared, kind=kind.name))
        else:
            kind = KINDS[found.kind or kind_of(first).name]
            for note in [] if self._noted else schema.differences(declared, found):
                log.warning("%s: %s", self._context.name, note)
        self._noted = True
        self._kind = kind
        self._client = client

    def _refuse(self, events: list[Event], kind: TableKind) -> None:
        self._context.count("other_kind", len(events))
        for event in events:
            other = kind_of(event).name
            detail = (
                f"table {self._declared.table} holds {kind.name}, this is of {other}; give {other}"
                " a sink of their own"
            )
            self._context.refuse(event, "other_kind", detail)

    def _explain(self, error: BaseException) -> str:
        text = error_text(error)
        where = f"ClickHouse at {self._connection.url}"
        user = self._connection.username
        if fault := encryption_fault(error):
            return f"{where}: {fault}"
        if is_wrong_password(error):
            return f"{where} refuses user {user!r}: check username and password in the site file"
        if is_denied(error):
            return (
                f"{where} does not let user {user!r} write or make the table"
                f" {self._declared.table!r} ({text}); grant it INSERT and SELECT, and let a user"
                " with CREATE TABLE run `vigie migrate`"
            )
        if is_missing(error):
            return f"{where}: table or database is gone and is made again ({text})"
        if "HTTP status 3" in text or "Unexpected response" in text:
            return self._no_clickhouse()
        if "Code: " in text:
            return f"{where} does not take rows ({text})"
        return f"{where} does not answer ({text}); is it running there?"
