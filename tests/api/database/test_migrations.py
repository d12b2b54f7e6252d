"""Migrations of the api's database that are killed half-way."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from api.database.database import open_database
from api.database.models import Base
from tests.faults import killed_after_each_effect


def migrate(data: Path) -> None:
    """What every start of the api and every `vigie accounts` begins with."""
    open_database(data).close()


def test_migrations_that_are_killed_are_whole_or_not_there_and_done_by_the_next_start(
    tmp_path: Path,
) -> None:
    tables = set()
    for number in killed_after_each_effect(migrate, lambda number: (tmp_path / str(number),)):
        data = tmp_path / str(number)
        if (data / "api.sqlite").exists():
            with closing(sqlite3.connect(data / "api.sqlite")) as left:
                tables.add(len(left.execute("SELECT * FROM sqlite_schema").fetchall()))
        database = open_database(data)
        with database.read() as session:
            context = MigrationContext.configure(session.connection())
            assert compare_metadata(context, Base.metadata) == []
        database.close()
    assert len(tables) == 2
    assert 0 in tables
