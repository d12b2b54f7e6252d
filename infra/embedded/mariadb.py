"""MariaDB from Debian with a row binlog, and in it what Home Assistant's recorder has."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from infra.embedded.ports import HOST, connect
from infra.embedded.recorder_schema import TABLES
from infra.embedded.service import Service, ServiceError, write_private

PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
DATABASE = "homeassistant"
REPLICATION, RECORDER, ADMIN = "vigie", "homeassistant", "admin"

VARIABLES = {
    "server-id": "1",
    "log-bin": "bin",
    "binlog-format": "ROW",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    "max-binlog-size": "100M",
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "16M",
    "performance-schema": "OFF",
    "character-set-server": "utf8mb4",
    "skip-name-resolve": "ON",
}


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=PLACES)


class MariaDB(Service):
    """MariaDB with three users, all with random passwords.

    `vigie` may replicate and read the recorder's tables, `homeassistant` writes them, `admin` may
    do everything.
    """

    NAME: ClassVar[str] = "mariadb"
    USER: ClassVar[str] = "mysql"

    def __init__(
        self,
        folder: Path | str,
        port: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Take `variables` over the server's own settings: `{"binlog_format": "STATEMENT"}`.

        None as value leaves one at MariaDB's default.
        """
        super().__init__(folder, port)
        self.variables: dict[str, str | None] = dict(VARIABLES)
        self.variables |= {
            name.replace("_", "-"): value for name, value in (variables or {}).items()
        }

    @classmethod
    def missing(cls) -> str | None:
        """Why the service cannot run here; None if it can."""
        found = _program("mariadbd") and _program("mariadb-install-db")
        return None if found else "Debian's package mariadb-server is not installed"

    @property
    def url(self) -> str:
        """Address with user and password for the binlog source. Secret."""
        return self.login(REPLICATION)

    def login(self, user: str) -> str:
        """`mysql://user:password@host:port/homeassistant` of one of the three users. Secret."""
        return f"mysql://{user}:{self.secret(user)}@{self.address}/{DATABASE}"

    def client_options(self, user: str = RECORDER) -> dict[str, Any]:
        """Keyword arguments for `pymysql.connect`."""
        return {
            "host": HOST,
            "port": self.port,
            "user": user,
            "password": self.secret(user),
            "database": DATABASE,
            "charset": "utf8mb4",
        }

    def prepare(self) -> None:
        """Write the settings, and what must be there before the program starts."""
        data = self.folder / "data"
        start = self.folder / "start.sql"
        write_private(start, self._first_statements())
        self.log.touch()
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.give_folder()
        if not (data / "mysql").exists():
            self._install(data)

    def _install(self, data: Path) -> None:
        command = [
            *(
                str(_program("mariadb-install-db")),
                "--no-defaults",
                f"--datadir={data}",
                "--skip-test-db",
            ),
            *("--auth-root-authentication-method=normal", "--skip-name-resolve"),
            *([f"--user={self.run_as() or 'root'}"] if os.geteuid() == 0 else []),
        ]
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            done = subprocess.run(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment()},
                check=False,
            )
        if done.returncode != 0:
            raise ServiceError(
                f"mariadb-install-db could not make {data} (exit status"
                f" {done.returncode}).\n{self.tail()}"
            )

    def environment(self) -> dict[str, str]:
        """A place of its own for temporary tables.

        A server that starts deletes all there are in that folder, also those of another one.
        """
        return {"TMPDIR": str(self.folder / "tmp")}

    def _first_statements(self) -> str:
        """Statements run before the server listens, so that it is never without passwords."""
        database = (
            f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE"
            " utf8mb4_unicode_ci"
        )
        tables = [" ".join(table.split()) for table in TABLES]
        users = [
            f"CREATE OR REPLACE USER '{user}'@'{HOST}' IDENTIFIED BY '{self.secret(user)}'"
            for user in (REPLICATION, RECORDER, ADMIN)
        ]
        rights = [
            f"GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO '{REPLICATION}'@'{HOST}'",
            f"GRANT SELECT ON {DATABASE}.* TO '{REPLICATION}'@'{HOST}'",
            f"GRANT ALL ON {DATABASE}.* TO '{RECORDER}'@'{HOST}'",
            f"GRANT ALL ON *.* TO '{ADMIN}'@'{HOST}' WITH GRANT OPTION",
            f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{self.secret('root')}'",
        ]
        open_doors = (
            "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <>"
            " 'localhost')"
        )
        closed = [open_doors, "FLUSH PRIVILEGES"]
        statements = [
            "SET SESSION sql_log_bin = 0",
            *closed,
            database,
            f"USE {DATABASE}",
            *tables,
            *users,
            *rights,
        ]
        return "".join(f"{statement};\n" for statement in statements)

    def command(self) -> list[str]:
        """The command line of the program."""
        settings = [
            f"--{name}={value}" for name, value in self.variables.items() if value is not None
        ]
        return [
            *(str(_program("mariadbd")), "--no-defaults", f"--datadir={self.folder / 'data'}"),
            *(f"--port={self.port}", f"--bind-address={HOST}", f"--socket={self.folder / 'sock'}"),
            *(f"--pid-file={self.folder / 'pid'}", f"--init-file={self.folder / 'start.sql'}"),
            *(["--user=root"] if os.geteuid() == 0 and not self.run_as() else []),
            *settings,
        ]

    def probe(self) -> None:
        """Wait for the server's greeting."""
        with connect(self.port) as link:
            greeting = link.recv(5)
        if len(greeting) < 5 or greeting[4] != 10:
            raise ServiceError(f"{HOST}:{self.port} does not greet as MariaDB does")
