"""Clients of ClickHouse, and the meaning of its errors."""

import logging
import re
from functools import partial
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.httpclient import HttpClient

from connectors.clickhouse.connection import ClickHouseConnection
from connectors.runtime.error_text import one_line, root_cause

NO_TABLE, NO_DATABASE, DENIED, WRONG_PASSWORD = "Code: 60.", "Code: 81.", "Code: 497.", "Code: 516."

OF_THE_SERVER = frozenset((
    60, 74, 75, 76, 81, 159, 160, 164, 198, 201, 202, 203, 209, 210, 218, 225, 236, 241, 242, 243,
    244, 252, 279, 285, 286, 319, 394, 425, 439, 497, 516, 519, 568, 999, 1000, 1001, 1002,
))  # fmt: skip
"""Codes of a server that lacks something, whatever the rows: space, memory, time, rights, a table.

ClickHouse, src/Common/ErrorCodes.cpp.
"""

# importing the client turns the lines about its retries on; who calls reports a failure, once
logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)
logging.getLogger("clickhouse_connect.driver._backend.http_sync").setLevel(logging.CRITICAL)


def open_client(
    connection: ClickHouseConnection, database: str | None = None, timeout: float = 30.0
) -> Client:
    """A client of the database, by default the connection's; `timeout` is in seconds.

    Raises `ClickHouseError` or `OSError` while the server does not answer.
    """
    parts = urlsplit(connection.url)
    client = clickhouse_connect.get_client(
        host=parts.hostname,
        port=parts.port or (8443 if parts.scheme == "https" else 8123),
        secure=parts.scheme == "https",
        username=connection.username,
        password=connection.password.get_secret_value(),
        database=connection.database if database is None else database,
        ca_cert=connection.ca,
        dedicated_pool=True,
        connect_timeout=5,
        send_receive_timeout=timeout,
        autogenerate_session_id=False,
        query_retries=0,
    )
    assert isinstance(client, HttpClient)
    # rows go to the server that is named, not to a proxy's page for logging in
    client.http.urlopen = partial(client.http.urlopen, redirect=False)  # type: ignore[method-assign]
    return client


def connect(connection: ClickHouseConnection) -> Client:
    """A client of the connection's database, which is made if it is not there.

    Raises ClickHouse's errors and `OSError`.
    """
    try:
        return open_client(connection)
    except DatabaseError as error:
        if NO_DATABASE not in str(error):
            raise
    server = open_client(connection, "")
    server.command(f"CREATE DATABASE IF NOT EXISTS `{connection.database}`")
    return open_client(connection)


def is_missing(error: BaseException) -> bool:
    """Whether ClickHouse says that a table or database is not there."""
    return any(code in str(error) for code in (NO_TABLE, NO_DATABASE))


def is_denied(error: BaseException) -> bool:
    """Whether ClickHouse says that the user may not."""
    return DENIED in str(error)


def is_wrong_password(error: BaseException) -> bool:
    """Whether ClickHouse says that it does not know this user and password."""
    return WRONG_PASSWORD in str(error) or "Authentication failed" in str(error)


def blames_rows(error: BaseException) -> bool:
    """Whether ClickHouse answered something that may be about the rows, not about its own state."""
    found = re.search(r"Code: (\d+)\.", str(error))
    return found is not None and int(found[1]) not in OF_THE_SERVER


def error_text(error: BaseException) -> str:
    """What went wrong: ClickHouse's own words, or the system's without address and statement."""
    text = one_line(str(error), 300)
    return text if "Code: " in text else root_cause(error)
