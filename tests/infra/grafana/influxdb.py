"""InfluxDB 1.6 of Debian, which speaks InfluxQL as 1, 2 and 3 do."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from connectors.influxdb.line_protocol import Lines
from infra.embedded.ports import HOST, ask, free_port
from infra.embedded.service import Service, ServiceError
from operators.events import Event
from tests.infra.tools import program


class InfluxDB(Service):
    """One database, without accounts."""

    NAME: ClassVar[str] = "influxdb"

    def prepare(self) -> None:
        def quoted(path: Path) -> str:
            return json.dumps(str(path))

        (self.folder / "influxdb.conf").write_text(
            f"""reporting-disabled = true
bind-address = "{HOST}:{free_port()}"
[meta]
dir = {quoted(self.folder / "meta")}
[data]
dir = {quoted(self.folder / "data")}
wal-dir = {quoted(self.folder / "wal")}
query-log-enabled = false
[http]
bind-address = "{self.address}"
log-enabled = false
"""
        )

    def command(self) -> list[str]:
        return [program("influxd"), "-config", str(self.folder / "influxdb.conf")]

    def probe(self) -> None:
        self._ask("/ping")

    def query(self, text: str, database: str = "energy") -> list[dict[str, Any]]:
        """The series of the answer; raises `AssertionError` for an error in it."""
        query = urlencode({"db": database, "q": text, "epoch": "ms"})
        answer = json.loads(self._ask(f"/query?{query}"))
        (result,) = answer["results"]
        assert "error" not in result, f"{result['error']}: {text}"
        return list(result.get("series", []))

    def write(self, lines: list[str], database: str = "energy") -> None:
        self._ask(f"/write?db={database}&precision=ms", "\n".join(lines).encode())

    def fill(self, events: Iterable[Event], database: str = "energy") -> None:
        """Make the database, and write events as the sink does."""
        self.query(f"CREATE DATABASE {database}")
        lines = Lines()
        written = [line for event in events if (line := lines.line(event))]
        for start in range(0, len(written), 5000):
            self.write(written[start : start + 5000], database)

    def _ask(self, path: str, body: bytes = b"") -> bytes:
        status, answer = ask(self.port, path, "GET" if path == "/ping" else "POST", body)
        if status >= 300:
            raise ServiceError(f"influxd answers {status}: {answer.decode()}")
        return answer
