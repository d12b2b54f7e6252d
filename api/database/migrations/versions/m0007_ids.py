"""Accounts, groups, pages, alarms and cameras have ids that cannot be counted up."""

import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NAMED = ("users", "groups", "pages", "alarms", "cameras")
REFERRING = {
    "logins": {"user_id": "users"},
    "refresh_tokens": {},
    "groups": {"owner_id": "users"},
    "members": {"group_id": "groups", "user_id": "users"},
    "pages": {"owner_id": "users"},
    "permissions": {"page_id": "pages", "user_id": "users", "group_id": "groups"},
    "alarms": {"page_id": "pages"},
    "triggers": {"alarm_id": "alarms", "user_id": "users"},
}
"""By table, the columns that hold an id of another one; refresh tokens refer to logins."""
LOOSE = ("audit", "acknowledgements")
"""Tables that name an account which may be gone."""


def upgrade() -> None:
    """Make the tables anew with other ids, since one at a time would break what refers to it."""
    bind = op.get_bind()
    ids: dict[str, dict[int, str]] = {
        table: {
            number: str(uuid.uuid4())
            for (number,) in bind.execute(sa.text(f"SELECT id FROM {table}"))  # noqa: S608
        }
        for table in NAMED
    }
    _rebuild(bind, ids)
    for table in LOOSE:
        with op.batch_alter_table(table) as batch:
            batch.alter_column("user_id", type_=sa.String(36), postgresql_using="user_id::varchar")
        changed = sa.table(table, sa.column("user_id", sa.String))
        for number, new in ids["users"].items():
            bind.execute(
                changed.update().where(changed.c.user_id == str(number)).values(user_id=new)
            )


def _rebuild(bind: sa.Connection, ids: dict[str, dict[int, str]]) -> None:
    names = sorted({*NAMED, *REFERRING})
    metadata = sa.MetaData()
    metadata.reflect(bind, only=names)
    rows: dict[str, list[dict[str, Any]]] = {
        name: [dict(row) for row in bind.execute(sa.select(metadata.tables[name])).mappings()]
        for name in names
    }
    metadata.drop_all(bind)
    for name in names:
        table = metadata.tables[name]
        changes = dict(REFERRING.get(name, {}))
        if name == "cameras":
            table.append_column(sa.Column("number", sa.Integer(), nullable=False))
            table.append_constraint(sa.UniqueConstraint("number", name="uq_cameras_number"))
            for row in rows[name]:
                row["number"] = row["id"]
        if name in NAMED:
            changes["id"] = name
        for column, of in changes.items():
            table.c[column].type = sa.String(36)
            for row in rows[name]:
                row[column] = ids[of].get(row[column])
        for key in table.primary_key:
            key.server_default = None
            key.autoincrement = False if key.name in changes else "auto"
    metadata.create_all(bind)
    for table in metadata.sorted_tables:
        if rows[table.name]:
            bind.execute(table.insert(), rows[table.name])
    if bind.dialect.name == "postgresql":
        for name in ("permissions", "triggers"):
            bind.execute(
                sa.text(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'),"  # noqa: S608
                    f" (SELECT COALESCE(MAX(id), 1) FROM {name}))"
                )
            )
