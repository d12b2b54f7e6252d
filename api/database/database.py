"""The api's own database: SQLite in the data folder, or PostgreSQL by URL.

It is brought up to date when it is opened.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, inspect, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as DBTimeout
from sqlalchemy.orm import Session

from api.database.errors import DatabaseError
from api.database.models import Revision
from connectors.runtime.private_files import check_private, open_private, private_folder

Result = TypeVar("Result")
BUSY_TIMEOUT_MS = 10_000
NEWEST = max(
    path.stem[1:5] for path in Path(__file__).parent.glob("migrations/versions/m[0-9]*.py")
)
"""The number of the last migration."""
WORK_LOCK = 0x5669676A
LARGEST_LOG = 16 << 20
"""Bytes that SQLite's write-ahead log keeps after what it held is in the file."""
TRY = 30.0
TRY_AGAIN = 2.0
"""Seconds without a write after which one is tried, while all is well and while it is not."""


class DatabaseDown(Exception):
    """The database does not do what was asked; the message says why, and what helps."""


class Database:
    """Sessions that read and sessions that write; both raise `DatabaseDown`.

    A session belongs to one thread, and none may wait for the event loop.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        postgresql = engine.dialect.name == "postgresql"
        self._reading = (
            engine.execution_options(isolation_level="REPEATABLE READ") if postgresql else engine
        )
        self._writing = engine.execution_options(writes=True)
        self._problem: str | None = None
        self._tried = time.monotonic()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that reads: it sees the database as it was at its first query."""
        with _explained(), Session(self._reading) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that writes: its changes are committed together at the end.

        After an exception none of them is.
        """
        self._tried = time.monotonic()
        try:
            with (
                _explained(),
                Session(self._writing, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
        except DatabaseDown as down:
            self._problem = str(down)
            raise
        self._problem = None

    def shrink_log(self) -> None:
        """Give the space of SQLite's write-ahead log back."""
        if self._engine.dialect.name == "sqlite":
            with _explained(), self._engine.connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def problem(self) -> str | None:
        """Why nothing can be written; None while all is well.

        Now and then it is tried.
        """
        if time.monotonic() - self._tried > (TRY_AGAIN if self._problem else TRY):
            with contextlib.suppress(DatabaseDown), self.write() as session:
                session.execute(update(Revision).values(number=Revision.number))
        return self._problem

    async def read_in_thread(self, work: Callable[[Session], Result]) -> Result:
        """Do work with a session that reads, off the event loop."""

        def run() -> Result:
            with self.read() as session:
                return work(session)

        return await asyncio.to_thread(run)

    async def write_in_thread(self, work: Callable[[Session], Result]) -> Result:
        """Do work with a session that writes, off the event loop."""

        def run() -> Result:
            with self.write() as session:
                return work(session)

        return await asyncio.to_thread(run)

    def revision(self) -> int:
        """A number that differs after every change of permissions, by whichever process."""
        with self.read() as session:
            return session.scalar(select(Revision.number)) or 0


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what a store cannot do at present into `DatabaseDown`."""
    try:
        yield
    except (OperationalError, InternalError, DBTimeout) as error:
        raise DatabaseDown(_why(error)) from error


def _why(error: Exception) -> str:
    said = str(getattr(error, "orig", None) or error).splitlines()[0]
    if "full" in said or "No space left" in said or "could not extend" in said:
        return "the disk of the database is full; free some space, then this works again by itself"
    if "readonly" in said or "read-only" in said:
        return (
            "the database can be read only; give its folder back to the user that runs the api, or"
            " mount it for writing"
        )
    if "locked" in said or isinstance(error, DBTimeout):
        return "the database is busy; try again in a moment"
    return f"the database does not answer ({said[:200]}); it is tried again at each request"


def permissions_changed(session: Session) -> None:
    """Note, in the same transaction, that an account may do or see something else than before."""
    session.execute(update(Revision).values(number=Revision.number + 1))


def one_process_at_a_time(session: Session) -> None:
    """Wait until no other process is past this point in a writing session.

    In SQLite only one writes at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(WORK_LOCK)))


def open_database(folder: Path, url: str | None = None) -> Database:
    """Open the database and migrate its tables. Raises `DatabaseError`.

    Without a `url` it is the file `api.sqlite` in the folder, readable by its owner only.
    """
    try:
        engine = (
            _sqlite(folder / "api.sqlite")
            if url is None
            else create_engine(_psycopg(url), pool_pre_ping=True)
        )
        try:
            _bring_up_to_date(engine)
        except DatabaseError:
            engine.dispose()
            raise
    except ArgumentError:
        raise DatabaseError(
            "the database's address is not one; write postgresql://USER:PASSWORD@HOST/NAME under"
            " connections.api"
        ) from None
    except SQLAlchemyError as error:
        shown = make_url(url).render_as_string() if url else str(folder / "api.sqlite")
        raise DatabaseError(
            f"the database {shown} cannot be used: {str(error).splitlines()[0]}"
        ) from None
    return Database(engine)


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _sqlite(path: Path) -> Engine:
    private_folder(path.parent)
    open_private(path, "ab").close()
    check_private(path)
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where `begin` below says
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA journal_size_limit={LARGEST_LOG}")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _bring_up_to_date(engine: Engine) -> None:
    if _version(engine) != NEWEST:
        from api.database.upgrade import upgrade

        upgrade(engine)


def _version(engine: Engine) -> str | None:
    """The number of the last migration that the database has seen; None before the first."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found
