"""The api's database in PostgreSQL."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from api.accounts.accounts import Accounts
from api.accounts.signing_keys import SigningKeys
from api.accounts.tokens import Tokens
from api.database.database import open_database
from api.database.models import Audit, Base
from api.pages import alarms as page_alarms
from api.pages import groups, pages
from api.permissions.page_permissions import EffectivePermissions
from tests.api.alarm_server_client import PASSWORD


def test_accounts_pages_and_alarms_are_kept_in_postgresql(postgresql: str, tmp_path: Path) -> None:
    accounts = Accounts(open_database(tmp_path, postgresql), Tokens(SigningKeys(tmp_path), 60))
    assert accounts.create_first_admin(lambda password: None)
    john = accounts.add("john", PASSWORD, "viewer")
    marie = accounts.add("marie", PASSWORD, "viewer")
    database = accounts.database
    with database.write() as session:
        page = pages.create_page(session, john, "EUR/USD")
        group = groups.create_group(session, john, "desk")
        groups.add_member(session, john, group.id, marie.id)
        pages.share_page(session, john, page.id, "group", group.id, True, False)
        alarm = page_alarms.create_alarm(session, john, page.id, "EUR/USD", "", "above 1.08")
        page_alarms.trigger_alarm(session, marie, alarm.id, 1.1, 1.0)
    before = database.revision()
    with database.write() as session:
        assert EffectivePermissions(session, marie.id).visibility().pages == {page.key}
        pages.unshare_page(session, john, page.id, "group", group.id)
    assert database.revision() == before + 1
    with database.read() as session:
        assert EffectivePermissions(session, marie.id).visibility().pages == frozenset()
        assert page_alarms.trigger_history(session, john, alarm.id)[0]["by"] == "user/marie"
        assert "trigger_alarm" in session.scalars(select(Audit.action)).all()
    accounts.close()


def test_the_tables_there_are_what_the_migrations_make(postgresql: str, tmp_path: Path) -> None:
    for _ in range(2):
        database = open_database(tmp_path, postgresql)
        with database.read() as session:
            context = MigrationContext.configure(session.connection())
            assert compare_metadata(context, Base.metadata) == []
        database.close()
