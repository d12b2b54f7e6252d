"""Asked for by `make test-debezium`, which brings Debezium."""

import os
from collections.abc import Iterator

import pytest

from infra.embedded.mariadb import MariaDB
from tests.recorder import RecorderDatabase


@pytest.fixture(scope="session", autouse=True)
def _asked_for() -> None:
    if "VIGIE_DEBEZIUM" not in os.environ:
        pytest.skip("run by make test-debezium")


@pytest.fixture
def db(mariadb: MariaDB, unique: str) -> Iterator[RecorderDatabase]:
    """A database with a table `marker`, whose rows show how far a reader has come."""
    db = RecorderDatabase(mariadb, unique)
    db.run("SET SESSION time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'")
    db.run("CREATE TABLE marker(id INT PRIMARY KEY)")
    db.run("INSERT INTO marker VALUES (0)")
    yield db
    db.run(f"DROP DATABASE {db.name}")  # Debezium reads the tables of all databases
