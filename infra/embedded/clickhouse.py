"""ClickHouse: its embedded engine (chDB) behind its own HTTP protocol."""

import importlib.util
import sys
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from infra.embedded.clickhouse_http.__main__ import PASSWORD
from infra.embedded.ports import HOST, ask
from infra.embedded.service import Service, ServiceError

NEEDED = ("chdb", "lz4", "zstandard", "starlette", "uvicorn")


class ClickHouse(Service):
    """One user, `default`, with a random password; an answered insert survives a kill."""

    NAME: ClassVar[str] = "clickhouse"

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        lacking = [name for name in NEEDED if importlib.util.find_spec(name) is None]
        if lacking:
            return (
                f"the Python packages {', '.join(lacking)} are not installed (pip install"
                " vigie[embedded])"
            )
        return None

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"http://{self.address}"

    @property
    def password(self) -> str:
        """The password of `default`."""
        return self.secret("password")

    def client_options(self, database: str = "default") -> dict[str, Any]:
        """Keyword arguments for `clickhouse_connect.get_client`."""
        return {
            "host": HOST,
            "port": self.port,
            "username": "default",
            "password": self.password,
            "database": database,
        }

    def query(self, statement: str, database: str = "default", **parameters: str) -> str:
        """Run a statement and return the answer as text; raises `ServiceError`.

        `parameters` fill `{name:Type}` in the statement.
        """
        headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": self.password}
        query = {
            "database": database,
            **{f"param_{name}": value for name, value in parameters.items()},
        }
        status, body = ask(self.port, f"/?{urlencode(query)}", "POST", statement.encode(), headers)
        if status != 200:
            raise ServiceError(
                f"ClickHouse refused {statement[:200]!r}: {body.decode('utf-8', 'replace').strip()}"
            )
        return body.decode()

    def command(self) -> list[str]:
        """The command line of the program."""
        folder = str(self.folder / "data")
        return [
            sys.executable,
            "-m",
            "infra.embedded.clickhouse_http",
            folder,
            "--port",
            str(self.port),
        ]

    def environment(self) -> dict[str, str]:
        """Variables of the program, beside our own."""
        return {PASSWORD: self.password, "PYTHONPATH": str(Path(__file__).parents[2]), "TZ": "UTC"}

    def probe(self) -> None:
        """Raise `OSError` or `ServiceError` until the service answers."""
        if ask(self.port, "/ping", timeout=2) != (200, b"Ok.\n"):
            raise ServiceError("what answers is not ClickHouse")
