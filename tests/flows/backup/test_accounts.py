"""Accounts in a PostgreSQL, saved with their site and put into another one."""

from pathlib import Path

import psycopg
import pytest

from api.database.database import open_database
from api.database.models import Page
from infra.embedded.broker import Broker
from tests.api.conftest import postgresql_folder
from tests.api.postgresql import new_database
from tests.flows.backup.test_backup import Place, vigie
from tests.flows.running import site_of

__all__ = ["postgresql_folder"]  # a fixture of the tests of the api

pytestmark = pytest.mark.service


def add_page(url: str, name: str, folder: Path) -> None:
    database = open_database(folder, url)
    with database.write() as session:
        session.add(Page(key=name, name=name))
    database.close()


def pages(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM pages").fetchall()]


def test_accounts_in_postgresql_are_in_the_backup_and_come_back_into_an_empty_database(
    broker: Broker,
    unique: str,
    tmp_path: Path,
    postgresql_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = new_database(postgresql_folder), new_database(postgresql_folder)
    monkeypatch.setenv("ACCOUNTS_URL", old)
    add_page(old, "Energy", tmp_path)
    here = Place(tmp_path / "here", broker, unique)
    here.data.mkdir(mode=0o700)
    settings = {"brokers": [broker.address], "idempotence": False, "prefix": f"{unique}."}
    site_of(here.folder, redpanda=settings, accounts={"url": "${ACCOUNTS_URL}"})
    saved = tmp_path / "site.vigie"
    made = vigie("backup", saved, "--site", here.site, "--data", here.data)
    assert made.exit_code == 0, made.output
    assert "no accounts" not in made.output

    monkeypatch.setenv("ACCOUNTS_URL", new)
    restored = vigie("restore", saved, "--to", tmp_path / "there")
    assert restored.exit_code == 0, restored.output
    assert "accounts in PostgreSQL: written" in restored.output
    assert pages(new) == ["Energy"]
    add_page(new, "Water", tmp_path)  # the tables are those that the api goes on with
    again = vigie("restore", saved, "--to", tmp_path / "there", "--only-topics")
    assert "accounts in PostgreSQL: are there, and stay" in again.output
    assert sorted(pages(new)) == ["Energy", "Water"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://ann:s3cret@127.0.0.1:1/none", "pg_dump of connections.accounts failed"),
        ("nonsense s3cret", "connections.accounts.url is no address of a database"),
    ],
)
def test_a_database_that_cannot_be_saved_leaves_no_backup_and_no_password_is_shown(
    url: str, words: str, broker: Broker, unique: str, tmp_path: Path
) -> None:
    here = Place(tmp_path, broker, unique)
    here.data.mkdir(mode=0o700)
    site_of(tmp_path, redpanda={"brokers": [broker.address]}, accounts={"url": url})
    made = vigie("backup", tmp_path / "saved", "--site", here.site, "--data", here.data)
    assert made.exit_code == 1
    assert words in made.output
    assert "s3cret" not in made.output
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("saved")]
