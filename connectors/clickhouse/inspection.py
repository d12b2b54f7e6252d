"""What a ClickHouse server has and allows, looked at from outside."""

import time
from collections.abc import Iterator
from datetime import datetime

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from connectors.base import NoAnswer
from connectors.clickhouse.client import error_text, is_denied, is_missing, open_client
from connectors.clickhouse.connection import ClickHouseConnection
from connectors.clickhouse.rights import TO_MIGRATE, TO_WRITE, lacking
from connectors.runtime.finding import Finding, clock

LEAST_FREE = 0.1
"""Share of a disk that should be free: merges need room."""


def inspect(connection: ClickHouseConnection) -> Iterator[Finding]:
    """Look at the server, its database, rights, clock and disks; raises `NoAnswer`."""
    try:
        client = open_client(connection, "", 10)
    except (ClickHouseError, OSError) as error:
        raise NoAnswer(
            f"ClickHouse at {connection.url} does not let us in: {error_text(error)}; check url,"
            " username and password of the connection"
        ) from error
    try:
        before = time.time()
        ((version, now),) = client.query("SELECT version(), toFloat64(now64(6))").result_rows
        yield Finding("version", "ok", str(version))
        yield clock(_epoch(now) - (before + time.time()) / 2)
        database = _database(connection, client)
        yield database
        if database.state == "ok":
            rights = (*TO_WRITE, *(TO_MIGRATE if connection.migrate else ()))
            yield _rights(connection, lacking(client, rights, f"`{connection.database}`.*"))
        yield from _disks(client)
    except (ClickHouseError, OSError) as error:
        raise NoAnswer(f"ClickHouse at {connection.url}: {error_text(error)}") from error
    finally:
        client.close()


def _epoch(now: float | datetime) -> float:
    return now.timestamp() if isinstance(now, datetime) else float(now)


def _database(connection: ClickHouseConnection, client: Client) -> Finding:
    name = connection.database
    try:
        tables = len(str(client.command(f"SHOW TABLES FROM `{name}`")).split())
    except ClickHouseError as error:
        if not (is_missing(error) or is_denied(error)):
            raise
        return Finding(
            f"database {name}",
            "warning",
            error_text(error),
            "it is there, and this user may use it",
            f"CREATE DATABASE {name}; GRANT SELECT, INSERT, CREATE, ALTER ON {name}.* TO"
            f" {connection.username}",
        )
    return Finding(
        f"database {name}", "ok", f"{tables} tables; vigie migrate --dry-run checks them"
    )


def _rights(connection: ClickHouseConnection, missing: list[str]) -> Finding:
    name, words = connection.database, ", ".join(missing)
    return Finding(
        f"rights on {name}",
        "fault" if missing else "ok",
        f"{connection.username} lacks {words}" if missing else "all that flows need",
        "flows may read and write their tables",
        f"GRANT {words} ON {name}.* TO {connection.username}" if missing else "",
    )


def _disks(client: Client) -> Iterator[Finding]:
    try:
        rows = client.query("SELECT name, free_space, total_space FROM system.disks").result_rows
    except ClickHouseError:
        return  # a right that nothing else needs
    for name, free, total in rows:
        is_fine = not total or free / total >= LEAST_FREE
        yield Finding(
            f"disk {name}",
            "ok" if is_fine else "warning",
            f"{free / (1 << 30):.0f} GiB free",
            f"{LEAST_FREE:.0%} free",
            "" if is_fine else "make room, or keep rows for a shorter time (`keep` of the sink)",
        )
