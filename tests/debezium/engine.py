"""Debezium's embedded engine on a database, and the changes that it tells of."""

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.debezium.jars import DEBEZIUM
from tests.recorder import RecorderDatabase
from tests.waiting import wait_until

HERE = Path(__file__).parent
START_SECONDS = 300.0
"""A busy machine takes long to start Java."""


class Debezium:
    """The engine as a process of its own. Use it as a context."""

    def __init__(self, db: RecorderDatabase, tables: list[str], **more: str) -> None:
        self._settings = {
            "name": "compare",
            "connector.class": "io.debezium.connector.mariadb.MariaDbConnector",
            "offset.storage": "org.apache.kafka.connect.storage.MemoryOffsetBackingStore",
            "schema.history.internal": "io.debezium.relational.history.MemorySchemaHistory",
            "topic.prefix": "compare",
            "database.hostname": "127.0.0.1",
            "database.port": str(db.server.port),
            "database.user": "admin",
            "database.password": db.server.secret("admin"),
            "database.ssl.mode": "disable",
            "database.server.id": "7001",
            "database.include.list": db.name,
            "table.include.list": ",".join(f"{db.name}.{table}" for table in tables),
            "include.schema.changes": "false",
            "tombstones.on.delete": "false",
            "value.converter.schemas.enable": "false",
            "converter.schemas.enable": "false",
            "decimal.handling.mode": "string",
            "binary.handling.mode": "hex",
            "time.precision.mode": "isostring",
            "poll.interval.ms": "50",
        } | more
        self.changes: list[dict[str, Any]] = []

    def __enter__(self) -> "Debezium":
        self._process = subprocess.Popen(
            ["java", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             "-cp", f"{DEBEZIUM.folder()}/*", str(HERE / "Engine.java")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None
        with self._process.stdin as given:
            given.writelines(f"{key}={value}\n" for key, value in self._settings.items())
        self._said: list[str] = []
        self._threads = [
            threading.Thread(target=self._take, args=(self._process.stdout, self._change)),
            threading.Thread(target=self._take, args=(self._process.stderr, self._said.append)),
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    @staticmethod
    def _take(lines: Any, use: Any) -> None:
        for line in lines:
            use(line)

    def _change(self, line: str) -> None:
        self.changes.append(json.loads(line))

    def of(self, table: str) -> list[dict[str, Any]]:
        """The changes of a table, in order."""
        return [change for change in self.changes if change["source"]["table"] == table]

    def until_ended(self) -> str:
        """Wait until the engine gives up; what it said."""
        wait_until(lambda: self._process.poll() is not None, START_SECONDS, "the engine to end")
        self._threads[1].join()
        return "".join(self._said)

    def until(self, condition: Callable[[], object], what: str) -> None:
        def done() -> bool:
            assert self._process.poll() is None, "".join(self._said)[-3000:]
            return bool(condition())

        wait_until(done, START_SECONDS, f"{what} ({''.join(self._said)[-2000:]})", 0.1)
