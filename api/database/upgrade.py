"""Migrations of the api's database, by alembic.

alembic is large (12 MB of memory), so this is loaded only where there is something to migrate.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from api.database.errors import DatabaseError

SCRIPTS = Path(__file__).parent / "migrations"
LOCK = 0x56696769


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Apply the migrations that this database has not seen; one process at a time.

    Raises `DatabaseError` for one of a newer release.
    """
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        config.attributes["connection"] = connection
        _refuse_newer(connection, config)
        command.upgrade(config, revision)


def _refuse_newer(connection: Connection, config: Config) -> None:
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - known
    if newer:
        url = connection.engine.url
        shown = url.database if url.drivername == "sqlite" else url.render_as_string()
        raise DatabaseError(
            f"the database {shown} is of a newer release of Vigie (version {newer.pop()}; this one"
            f" knows {max(known)}). Go on with that release, or restore a backup of before the"
            " upgrade"
        )
