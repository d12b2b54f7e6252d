"""Accounts that are in PostgreSQL: saved and put back by PostgreSQL's own programs."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.base import ConnectorError
from connectors.config.accounts_connection import ACCOUNTS, AccountsConnection
from connectors.config.site import Site
from connectors.runtime.optional_packages import needing
from connectors.runtime.private_files import write_private

WHOLE = ("--no-owner", "--no-privileges")
SERVICE = "vigie"


def dump(site: Site) -> bytes | None:
    """All tables as of one instant; None where accounts are in the data folder.

    Raises `ConnectorError` with the remedy.
    """
    if ACCOUNTS not in site.connections:
        return None
    return _run(site, "pg_dump", "--format=custom", *WHOLE)


def put(site: Site, saved: bytes) -> bool:
    """Put them into an empty database, whole or not at all; whether that was done.

    A database that has tables stays as it is. Raises `ConnectorError` with the remedy.
    """
    if ACCOUNTS not in site.connections:
        raise ConnectorError(
            f"the backup has accounts of a PostgreSQL, and the site file names none; write its"
            f" address under  connections: {{{ACCOUNTS}: {{url: …}}}}"
        )
    if _has_tables(site):
        return False
    _run(site, "pg_restore", "--single-transaction", "--exit-on-error", *WHOLE, given=saved)
    return True


def _has_tables(site: Site) -> bool:
    with needing("a database of accounts", "api", "psycopg"):
        import psycopg
        from psycopg.conninfo import make_conninfo
    here = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = current_schema())"
    try:
        with psycopg.connect(make_conninfo(**_parts(site))) as connection:
            row = connection.execute(here).fetchone()
    except psycopg.Error as error:
        raise ConnectorError(f"connections.{ACCOUNTS} does not answer: {error}") from None
    return bool(row and row[0])


def _run(site: Site, program: str, *arguments: str, given: bytes | None = None) -> bytes:
    with _service(site) as environment:
        try:
            done = subprocess.run(
                [program, *arguments, f"--dbname=service={SERVICE}"],
                input=given, capture_output=True, env=environment,
            )  # fmt: skip
        except FileNotFoundError:
            raise ConnectorError(
                f"accounts are in PostgreSQL, and {program} is not installed here; install"
                " PostgreSQL's client programs (Debian: postgresql-client)"
            ) from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise ConnectorError(f"{program} of connections.{ACCOUNTS} failed: {words}")
    return done.stdout


@contextmanager
def _service(site: Site) -> Iterator[dict[str, str]]:
    """An environment in which the database has a name, so that no command line has its password."""
    lines = [f"[{SERVICE}]", *(f"{key}={value}" for key, value in _parts(site).items())]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pg_service.conf"
        write_private(file, "\n".join(lines).encode())
        yield os.environ | {"PGSERVICEFILE": str(file)}


def _parts(site: Site) -> dict[str, str]:
    with needing("a database of accounts", "api", "psycopg"):
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    url = site.connection(ACCOUNTS, AccountsConnection).url.get_secret_value()
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        raise ConnectorError(
            f"connections.{ACCOUNTS}.url is no address of a database; write"
            " postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
