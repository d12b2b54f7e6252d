"""The api's database in PostgreSQL."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from api import page_alarms, pages, watch_tables
from api.auth import Accounts
from api.database import open_database
from api.keys import Keys
from api.rights import Rights
from api.tables import Audit
from api.tokens import Tokens
from tests.api.people import PASSWORD

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty PostgreSQL of its own, on a socket in a folder."""
    if BINARIES is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/vigie-pg-XXXXXX"], text=True).strip())
    as_whom = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_whom:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"

    def control(*arguments: str) -> None:
        subprocess.run([*as_whom, *arguments], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    control(f"{BINARIES}/initdb", "-D", str(data), "-A", "trust", "-U", "vigie", "--no-sync")
    try:
        control(f"{BINARIES}/pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        yield f"postgresql://vigie@/postgres?host={folder}"
    finally:
        control(f"{BINARIES}/pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def test_accounts_pages_and_alarms_are_kept_in_postgresql(url: str, tmp_path: Path) -> None:
    accounts = Accounts(open_database(tmp_path, url), Tokens(Keys(tmp_path), 60))
    assert accounts.create_first_admin(lambda password: None)
    john = accounts.add("john", PASSWORD, "viewer")
    marie = accounts.add("marie", PASSWORD, "viewer")
    database = accounts.database
    with database.write() as session:
        page = pages.create_page(session, john, "EUR/USD")
        group = pages.create_group(session, john, "desk")
        pages.add_member(session, john, group.id, marie.id)
        pages.share_page(session, john, page.id, "group", group.id, True, False)
        alarm = page_alarms.create_alarm(session, john, page.id, "EUR/USD", "", "above 1.08")
        page_alarms.trigger_alarm(session, marie, alarm.id, 1.1, 1.0)
    before = database.revision()
    with database.write() as session:
        assert Rights(session, marie.id).sight().pages == {page.key}
        pages.unshare_page(session, john, page.id, "group", group.id)
    assert database.revision() == before + 1
    with database.read() as session:
        assert Rights(session, marie.id).sight().pages == frozenset()
        assert page_alarms.history_of(session, john, alarm.id)[0]["by"] == "user/marie"
        assert "trigger_alarm" in session.scalars(select(Audit.action)).all()
    accounts.close()


def test_the_tables_there_are_what_the_migrations_make(url: str, tmp_path: Path) -> None:
    for _ in range(2):
        database = open_database(tmp_path, url)
        with database.read() as session:
            context = MigrationContext.configure(session.connection())
            assert compare_metadata(context, watch_tables.Base.metadata) == []
        database.close()
