"""Migrations of the api's database that are killed half-way."""

import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, select

from api.database.dashboards import Dashboard
from api.database.database import _psycopg, _sqlite, open_database
from api.database.errors import DatabaseError
from api.database.models import (
    Acknowledgement,
    Alarm,
    Audit,
    Base,
    Camera,
    Group,
    Login,
    Member,
    Page,
    Permission,
    RefreshToken,
    Trigger,
    User,
)
from api.database.upgrade import upgrade
from tests.faults import killed_after_each_effect

pytestmark = pytest.mark.slow


def migrate(data: Path) -> None:
    """What every start of the api and every `vigie accounts` begins with."""
    open_database(data).close()


def fill_before_ids(engine: Engine) -> None:
    """Make a database of the revision before, with a row in every table that has an id or refers to
    one.
    """
    upgrade(engine, "0006")
    with engine.execution_options(writes=True).begin() as connection:
        for statement in (
            "INSERT INTO users VALUES (1, 'ann', 'x', 'admin', 1.5, TRUE), (2, 'bob', 'y', 'viewer', 2.5, TRUE)",
            "INSERT INTO logins VALUES ('l', 2, 1, 9e9, NULL)",
            "INSERT INTO refresh_tokens VALUES ('h', 'l', NULL)",
            "INSERT INTO groups VALUES (1, 'desk', 1, FALSE)",
            "INSERT INTO members VALUES (1, 2)",
            "INSERT INTO pages VALUES (1, 'k1', 'mine', 1, NULL), (2, 'k2', 'declared', NULL, '{}')",
            "INSERT INTO permissions VALUES (7, 1, NULL, 1, TRUE, FALSE), (8, 1, 2, NULL, TRUE, TRUE)",
            "INSERT INTO alarms VALUES (3, 'a', 1, 'EUR/USD', '', 'above 1', TRUE, NULL, FALSE)",
            "INSERT INTO triggers VALUES (4, 3, 5.5, 1.2, 2, NULL)",
            "INSERT INTO audit VALUES (5, 6.5, 2, 'bob', '', 'login', '', ''), (6, 7, 9, 'gone', '', 'x', '', '')",
            "INSERT INTO acknowledgements VALUES ('e', 1, 2, 'bob', 8, NULL, NULL, NULL)",
            "INSERT INTO cameras(id, name, url, running, created, changed, changed_by) VALUES (3, 'gate', 'rtsp://x', TRUE, 1, 1, 'ann')",
        ):
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_ids_that_could_be_counted_become_others_and_everything_refers_to_the_same_as_before(
    tmp_path: Path, server: str, request: pytest.FixtureRequest
) -> None:
    url = None if server == "sqlite" else request.getfixturevalue("postgresql")
    engine = _sqlite(tmp_path / "api.sqlite") if url is None else create_engine(_psycopg(url))
    fill_before_ids(engine)
    engine.dispose()
    database = open_database(tmp_path, url)
    with database.read() as session:
        ann, bob = session.scalars(select(User).order_by(User.username))
        (group,) = session.scalars(select(Group))
        mine, declared = session.scalars(select(Page).order_by(Page.key))
        (alarm,) = session.scalars(select(Alarm))
        (camera,) = session.scalars(select(Camera))
        new = [ann.id, bob.id, group.id, mine.id, declared.id, alarm.id, camera.id]
        assert len({uuid.UUID(text) for text in new}) == 7
        assert (ann.username, ann.created, bob.role) == ("ann", 1.5, "viewer")
        assert not ann.must_change
        assert [(t.alarm_id, t.user_id, t.price) for t in session.scalars(select(Trigger))] == [
            (alarm.id, bob.id, 1.2)
        ]
        assert [(m.group_id, m.user_id) for m in session.scalars(select(Member))] == [
            (group.id, bob.id)
        ]
        granted = session.scalars(select(Permission).order_by(Permission.id))
        assert [(p.id, p.page_id, p.user_id, p.group_id, p.can_edit) for p in granted] == [
            (7, mine.id, None, group.id, False),
            (8, mine.id, bob.id, None, True),
        ]
        assert (group.owner_id, mine.owner_id, declared.owner_id) == (ann.id, ann.id, None)
        assert (alarm.page_id, camera.number, camera.name) == (mine.id, 3, "gate")
        assert [login.user_id for login in session.scalars(select(Login))] == [bob.id]
        assert [token.login_id for token in session.scalars(select(RefreshToken))] == ["l"]
        entries = session.scalars(select(Audit).order_by(Audit.id))
        assert [(entry.id, entry.user_id) for entry in entries] == [(5, bob.id), (6, "9")]
        (seen,) = session.scalars(select(Acknowledgement))
        assert seen.user_id == bob.id
        context = MigrationContext.configure(session.connection())
        assert compare_metadata(context, Base.metadata) == []
        if url is None:
            assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").all() == []
    with database.write() as session:
        session.add(Permission(page_id=declared.id, user_id=ann.id, can_view=True, can_edit=False))
        about = {"name": "day", "panels": [], "changed": 1.0, "changed_by": "ann"}
        session.add(Dashboard(page_id=declared.id, **about))
    database.close()


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


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_a_database_of_a_newer_release_is_refused_by_name_and_left_as_it_is(
    server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = None if server == "sqlite" else request.getfixturevalue("postgresql")
    open_database(tmp_path, url).close()
    engine = create_engine(_psycopg(url)) if url else _sqlite(tmp_path / "api.sqlite")
    with engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="newer release of Vigie") as refused:
        open_database(tmp_path, url)
    assert "version 9999" in str(refused.value)
    assert "restore a backup" in str(refused.value)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == "9999"
    engine.dispose()


def test_a_database_of_this_release_is_opened_without_what_migrates(tmp_path: Path) -> None:
    migrate(tmp_path)
    program = (
        "import sys, pathlib; from api.database.database import open_database;"
        " open_database(pathlib.Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
