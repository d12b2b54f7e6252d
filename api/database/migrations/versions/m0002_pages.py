"""Logins that can be ended, groups, pages and who may see them, alarms on pages, the audit log."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _of(table: str, **others: Any) -> sa.Column[int]:
    """A column that refers to a row of another table and goes with it."""
    name = f"{table.removesuffix('s')}_id"
    return sa.Column(
        name,
        sa.Integer(),
        sa.ForeignKey(f"{table}.id", ondelete="CASCADE"),
        nullable=False,
        **others,
    )


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "logins",
        sa.Column("id", sa.String(32), primary_key=True),
        _of("users", index=True),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False, index=True),
        sa.Column("ended", sa.Float()),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column(
            "login_id",
            sa.String(32),
            sa.ForeignKey("logins.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("used", sa.Float()),
    )
    op.create_table(
        "groups",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column(
            "owner_id",
            sa.Integer(),
            sa.ForeignKey("users.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("official", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "members", _of("groups", primary_key=True), _of("users", primary_key=True, index=True)
    )
    op.create_table(
        "pages",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column(
            "owner_id", sa.Integer(), sa.ForeignKey("users.id", ondelete="CASCADE"), index=True
        ),
        sa.Column("declared", sa.Text()),
    )
    op.create_table(
        "permissions",
        sa.Column("id", sa.Integer(), primary_key=True),
        _of("pages"),
        sa.Column(
            "user_id", sa.Integer(), sa.ForeignKey("users.id", ondelete="CASCADE"), index=True
        ),
        sa.Column(
            "group_id", sa.Integer(), sa.ForeignKey("groups.id", ondelete="CASCADE"), index=True
        ),
        sa.Column("can_view", sa.Boolean(), nullable=False),
        sa.Column("can_edit", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("page_id", "user_id"),
        sa.UniqueConstraint("page_id", "group_id"),
    )
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, unique=True),
        _of("pages", index=True),
        sa.Column("ticker", sa.String(200), nullable=False),
        sa.Column("option", sa.String(200), nullable=False),
        sa.Column("condition", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_triggered", sa.Float()),
        sa.Column("deleted", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "triggers",
        sa.Column("id", _number, primary_key=True),
        _of("alarms"),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("price", sa.Float()),
        sa.Column(
            "user_id", sa.Integer(), sa.ForeignKey("users.id", ondelete="SET NULL"), index=True
        ),
        sa.Column("transition", sa.String(64), unique=True),
    )
    op.create_index("ix_triggers_alarm_id_at", "triggers", ["alarm_id", "at"])
    op.create_table(
        "audit",
        sa.Column("id", _number, primary_key=True),
        sa.Column("at", sa.Float(), nullable=False, index=True),
        sa.Column("user_id", sa.Integer()),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False, index=True),
        sa.Column("object", sa.String(200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
    )
    revision_table = op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("number", sa.Integer(), nullable=False),
    )
    op.bulk_insert(revision_table, [{"id": 1, "number": 0}])
