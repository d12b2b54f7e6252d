"""What a MariaDB server allows, looked at from outside."""

import time
from collections.abc import Iterator

from pymysql.err import MySQLError

from connectors.base import ConnectorError, NoAnswer
from connectors.mariadb.connection import MariadbConnection
from connectors.mariadb.preflight import check, connect, explain
from connectors.runtime.finding import Finding, clock

LEAST_KEPT = 86_400
SQL = "SELECT VERSION(), UNIX_TIMESTAMP(NOW(6)), @@global.expire_logs_days * 86400"


def inspect(connection: MariadbConnection, tables: list[str]) -> Iterator[Finding]:
    """Look at the server, its binary log, and this user's rights; raises `NoAnswer`."""
    address = connection.address()
    pairs = [
        (schema or address.database, table)
        for schema, _, table in (name.rpartition(".") for name in tables)
    ]
    try:
        server = connect(address, connection.ca)
    except (MySQLError, OSError) as error:
        raise NoAnswer(explain(error, address)) from error
    try:
        with server.cursor() as cursor:
            before = time.time()
            cursor.execute(SQL)
            version, now, kept = cursor.fetchone()
            skew = float(now) - (before + time.time()) / 2
        yield Finding("version", "ok", str(version), "MariaDB 10.2 or later")
        yield clock(skew)
        yield _kept(float(kept))
        try:
            check(server, address, pairs, connection.server_id or 0)
        except ConnectorError as error:
            yield Finding("binary log", "fault", str(error), "it can be read", "see what came")
        else:
            yield Finding("binary log", "ok", f"can be read; {', '.join(tables) or 'no table'}")
    except (MySQLError, OSError) as error:
        raise NoAnswer(explain(error, address)) from error
    finally:
        server.close()


def _kept(seconds: float) -> Finding:
    is_fine = seconds == 0 or seconds >= LEAST_KEPT
    return Finding(
        "binary log is kept",
        "ok" if is_fine else "warning",
        "for ever" if seconds == 0 else f"{seconds / 86_400:g} days",
        "a day or more",
        "" if is_fine else "SET GLOBAL expire_logs_days=7, and the same in my.cnf",
    )
