"""Checks before a binary log is read: the server's settings, its user, the tables.

Each failure says what to set.
"""

import logging
import re
from typing import Any

import pymysql
from pymysql.err import MySQLError

from connectors.base import ConnectorError
from connectors.mariadb.binlog.stream import ACCESS_DENIED_FOR_COMMAND
from connectors.mariadb.connection import Address
from connectors.runtime.error_text import encryption_fault

log = logging.getLogger(__name__)

SESSION = (
    f"SET time_zone='+00:00', sql_mode='', sql_select_limit={(1 << 64) - 1}, sql_big_selects=1,"
    " wait_timeout=28800 /*M!100101 , max_statement_time=0 */"
)
"""What the server sets for all sessions changes neither values nor how many rows are read.

MySQL, which is refused by name later, must take it too.
"""
CONNECT_S = 5
GREET_S = 10
READ_S = 60
ACCESS_DENIED, NO_DATABASE_RIGHT, NO_DATABASE, NO_TABLE, NO_TABLE_RIGHT = (
    1045,
    1044,
    1049,
    1146,
    1142,
)
HIDDEN_TABLE = 1143


def connect(address: Address, ca: str | None) -> Any:
    """A connection in autocommit mode; raises `MySQLError` or `OSError`."""
    connection = pymysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=CONNECT_S,
        read_timeout=GREET_S,
        write_timeout=READ_S,
        ssl_ca=ca,
        ssl_verify_cert=True if ca else None,  # else the client takes any certificate
        ssl_verify_identity=bool(ca),
        init_command=SESSION,
    )
    connection._read_timeout = READ_S
    return connection


def explain(error: BaseException, address: Address) -> str:
    """One line for a person: what failed at which server, and what helps."""
    code = error.args[0] if isinstance(error, MySQLError) and error.args else None
    what = (
        str(error.args[1])
        if isinstance(error, MySQLError) and len(error.args) > 1
        else str(error) or type(error).__name__
    )
    if code == ACCESS_DENIED:
        return (
            f"MariaDB at {address.host}:{address.port} refuses user {address.user!r} ({what}):"
            " correct user and password in MARIADB_URL, or set the password with ALTER USER"
            f" '{address.user}'@'%' IDENTIFIED BY '…'"
        )
    if code == NO_DATABASE_RIGHT:
        return f"{what}: GRANT SELECT ON `{address.database}`.* TO the user {address.user!r}"
    if code == NO_DATABASE:
        return (
            f"MariaDB at {address.host}:{address.port} has no database {address.database!r}:"
            " correct its name in MARIADB_URL"
        )
    if fault := encryption_fault(error):
        return f"MariaDB at {address.host}:{address.port}: {fault}"
    return (
        f"no answer from MariaDB at {address.host}:{address.port} ({what[:200]}); is the server"
        " running there?"
    )


def check(
    connection: Any,
    address: Address,
    tables: list[tuple[str, str]],
    server_id: int,
    resumed: bool = False,
) -> list[tuple[str, str]]:
    """Check that the binary log of `tables` can be read.

    Returns those that do not exist, which is a problem at the start, and none for a reader that has
    been there before. Raises `ConnectorError` with everything that keeps it from being read.
    """
    settings = _settings(connection)
    version = settings["version"]
    if "mariadb" not in version.lower():
        raise ConnectorError(
            f"the server at {address.host}:{address.port} is {version}; expected MariaDB 10.2 or"
            " later"
        )
    problems = _setting_problems(settings, server_id)
    problems += _privilege_problems(connection, version)
    if not problems:
        problems += _filter_problems(connection, tables)
    if settings["lower_case_table_names"] == "1":
        problems += [
            f"this server keeps all names in lower case: write {full.lower()} in place of {full}"
            for full in map(".".join, tables)
            if full != full.lower()
        ]
    without_right, gone = _table_problems(connection, tables)
    problems += without_right
    if not resumed:
        problems += [
            f"table {schema}.{table} does not exist: correct `tables`, or create it"
            for schema, table in gone
        ]
    if problems:
        raise ConnectorError(
            f"MariaDB {version} at {address} cannot be read: " + "; ".join(problems)
        )
    return gone


def names_are_logged(connection: Any) -> bool:
    """Whether the log holds the names of columns (`binlog_row_metadata=FULL`)."""
    return _settings(connection).get("binlog_row_metadata", "").upper() == "FULL"


METADATA_ADVICE = (
    "binlog_row_metadata is not FULL on %s: the binary log holds no column names, so they are taken"
    " from the tables as they are defined now, and rows written before a change of a table cannot"
    " be read. Set `binlog_row_metadata=FULL` under [mysqld] in the server's my.cnf, or SET GLOBAL"
    " binlog_row_metadata=FULL (MariaDB 10.5 or later)"
)


def changes_unlogged(connection: Any, schema: str, table: str) -> bool:
    """Whether the server changes rows of a table by itself, because of another table's rows."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW CREATE TABLE {quoted(schema)}.{quoted(table)}")
            return _CASCADE.search(str(cursor.fetchone()[1])) is not None
    except MySQLError as error:
        if error.args[0] in (NO_TABLE, NO_DATABASE):
            return False
        raise


_CASCADE = re.compile(r"FOREIGN KEY .* ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL)")
UNLOGGED_CHANGES = (
    "%s.%s has a foreign key with ON DELETE or ON UPDATE: what the server changes by it is not in"
    " the binary log (as with replication), so those changes are not seen; where they matter, have"
    " the program make them"
)


def _settings(connection: Any) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version', 'log_bin', 'binlog_format',"
            " 'binlog_row_image', 'binlog_row_metadata', 'server_id', 'lower_case_table_names')"
        )
        return {name.lower(): value for name, value in cursor.fetchall()}


def _setting_problems(settings: dict[str, str], server_id: int) -> list[str]:
    problems = []
    if settings["log_bin"].upper() != "ON":
        problems.append(
            "log_bin is off, there is no binary log: add `log_bin=mysql-bin` under [mysqld] in the"
            " server's my.cnf and restart it"
        )
    elif settings["binlog_format"].upper() != "ROW":
        problems.append(
            f"binlog_format is {settings['binlog_format']}, expected ROW: add `binlog_format=ROW`"
            " under [mysqld] in the server's my.cnf, or SET GLOBAL binlog_format=ROW and reconnect"
            " the programs that write"
        )
    if settings.get("binlog_row_image", "FULL").upper() not in ("FULL", "FULL_NODUP"):
        problems.append(
            f"binlog_row_image is {settings['binlog_row_image']}, expected FULL: add"
            " `binlog_row_image=FULL` under [mysqld] in the server's my.cnf, or SET GLOBAL"
            " binlog_row_image=FULL and reconnect the programs that write"
        )
    if int(settings["server_id"]) == server_id:
        problems.append(
            f"the reader's server_id {server_id} is the server's own: set another `server_id` in"
            " the site file"
        )
    return problems


def _privilege_problems(connection: Any, version: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        grants = [str(grant) for (grant,) in cursor.fetchall()]
        cursor.execute("SELECT CURRENT_USER()")
        user, _, host = str(cursor.fetchone()[0]).rpartition("@")
    everywhere = {
        privilege.strip()
        for grant in grants
        if (found := re.match(r"GRANT (.+?) ON \*\.\* TO ", grant))
        for privilege in found[1].upper().split(",")
    }
    if everywhere & {"ALL PRIVILEGES", "ALL"}:
        return []
    monitor = "BINLOG MONITOR" if _at_least(version, (10, 5)) else "REPLICATION CLIENT"
    problems = []
    if "REPLICATION SLAVE" not in everywhere:
        problems.append(_grant("REPLICATION SLAVE", user, host))
    if not everywhere & {"BINLOG MONITOR", "REPLICATION CLIENT", "SUPER"}:
        problems.append(_grant(monitor, user, host))
    return problems


def _grant(privilege: str, user: str, host: str) -> str:
    return f"the user lacks {privilege}: GRANT {privilege} ON *.* TO '{user}'@'{host}'"


def _at_least(version: str, lowest: tuple[int, int]) -> bool:
    found = re.search(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= lowest


def _filter_problems(connection: Any, tables: list[tuple[str, str]]) -> list[str]:
    """A database that the server does not log would look like one where nothing ever happens."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW MASTER STATUS")
            status = cursor.fetchone()
    except MySQLError as error:
        if error.args[0] == ACCESS_DENIED_FOR_COMMAND:
            return [
                f"the user lacks a privilege ({error.args[1]}): GRANT BINLOG MONITOR ON *.* to it"
            ]
        raise
    only, without = (set(filter(None, str(names).split(","))) for names in status[2:4])
    return [
        f"the server leaves database {schema} out of its binary log: correct binlog_do_db or"
        " binlog_ignore_db in its my.cnf"
        for schema in sorted({schema for schema, _ in tables})
        if (only and schema not in only) or schema in without
    ]


def _table_problems(
    connection: Any, tables: list[tuple[str, str]]
) -> tuple[list[str], list[tuple[str, str]]]:
    """(rights that are missing, tables that are)."""
    problems, gone = [], []
    for schema, table in tables:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {quoted(schema)}.{quoted(table)} LIMIT 0")  # noqa: S608
                cursor.execute(
                    "SELECT TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA=%s AND"
                    " TABLE_NAME=%s",
                    (schema, table),
                )
                kind = (cursor.fetchone() or ("",))[0]
                cursor.execute(
                    "SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=%s AND"
                    " TABLE_NAME=%s AND GENERATION_EXPRESSION = 'ROW END' AND DATA_TYPE = 'bigint'",
                    (schema, table),
                )
                by_transaction = cursor.fetchone() is not None
            if kind.endswith("VIEW"):
                problems.append(
                    f"{schema}.{table} is a view, whose changes are in no log: name the tables that"
                    " it shows"
                )
            elif by_transaction:
                problems.append(
                    f"{schema}.{table} is versioned by numbers of transactions, for which MariaDB"
                    " logs statements without rows whatever binlog_format is: have its ROW START"
                    " and ROW END be TIMESTAMP(6)"
                )
        except MySQLError as error:
            code, what = error.args[0], error.args[1]
            if code in (NO_TABLE_RIGHT, HIDDEN_TABLE, NO_DATABASE_RIGHT):
                problems.append(
                    f"the user lacks SELECT ({what}): GRANT SELECT ON {quoted(schema)}.* to it"
                )
            elif code in (NO_TABLE, NO_DATABASE):
                gone.append((schema, table))
            else:
                raise
    return problems, gone


def quoted(name: str) -> str:
    """An identifier for SQL."""
    return "`" + name.replace("`", "``") + "`"
