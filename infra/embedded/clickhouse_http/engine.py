"""The embedded engine: a few handles on one data folder, each used by one request at a time."""

import os
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import chdb

from infra.embedded.clickhouse_http.errors import ClickHouseError
from infra.embedded.clickhouse_http.statement import Insert, insert_of


class Result(NamedTuple):
    """The answer's bytes and the counts ClickHouse puts in its summary; `elapsed` in seconds."""

    data: bytes
    rows_read: int
    bytes_read: int
    rows_written: int
    elapsed: float


class _Handle:
    """A connection with its own current database and settings."""

    def __init__(self, path: str) -> None:
        self.connection: Any = chdb.connect(path)  # type: ignore[no-untyped-call]
        self.database = "default"

    def use(self, database: str) -> None:
        if database != self.database:
            self.connection.query(f"USE {_name(database)}")
            self.database = database

    @contextmanager
    def settings(self, settings: Mapping[str, str]) -> Iterator[None]:
        changed = []
        try:
            for name, value in settings.items():
                self.connection.query(f"SET {name} = {_text(value)}")
                changed.append(name)
            yield
        finally:
            for name in changed:
                self.connection.query(f"SET {name} = DEFAULT")


class Engine:
    """Runs statements; safe to use from as many threads as it has handles."""

    def __init__(self, path: str, handles: int = 4) -> None:
        self._handles: queue.LifoQueue[_Handle] = queue.LifoQueue()
        for _ in range(handles):
            self._handles.put(_Handle(path))

    def run(
        self,
        statement: bytes,
        data: bytes,
        output: str,
        database: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> Result:
        """Run one statement, with the data of an insert; raises `ClickHouseError`."""
        insert = insert_of(statement, data)
        try:
            if insert is None:
                return self._query(
                    (statement + data).decode(), output, database, settings, parameters
                )
            return self._insert(insert, output, database, settings, parameters)
        except (RuntimeError, UnicodeDecodeError) as error:
            raise ClickHouseError.of_engine(error) from error

    def _insert(
        self, insert: Insert, output: str, database: str, *rest: Mapping[str, str]
    ) -> Result:
        """Through a file in memory: the engine cuts inline data at an empty line."""
        descriptor = os.memfd_create("insert")
        try:
            view = insert.data
            while view:
                view = view[os.write(descriptor, view) :]
            source = b" FROM INFILE '/proc/self/fd/%d' " % descriptor
            statement = insert.target + source + insert.settings + b" FORMAT " + insert.format
            return self._query(statement.decode(), output, database, *rest)
        finally:
            os.close(descriptor)

    def _query(
        self,
        text: str,
        output: str,
        database: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> Result:
        handle = self._handles.get()
        try:
            handle.use(database)
            with handle.settings(settings):
                answer = handle.connection.query(text, output, params=dict(parameters))
                return Result(
                    bytes(answer.bytes() or b""),
                    answer.rows_read(),
                    answer.bytes_read(),
                    answer.rows_written(),
                    answer.elapsed() or 0.0,
                )
        finally:
            self._handles.put(handle)

    def close(self) -> None:
        """Close all handles, once no request runs."""
        while not self._handles.empty():
            self._handles.get().connection.close()


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _name(value: str) -> str:
    return "`" + value.replace("\\", "\\\\").replace("`", "\\`") + "`"
