"""Browsers that are told of alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Apply the migration."""
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        _owner("user_id", sa.String(36), "users.id"),
        _owner("login_id", sa.String(32), "logins.id"),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.String(200), nullable=False),
        sa.Column("auth", sa.String(64), nullable=False),
        sa.Column("priorities", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "push_notes",
        sa.Column(
            "subscription_id",
            sa.String(36),
            sa.ForeignKey("push_subscriptions.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("alarm", sa.String(64), primary_key=True),
        sa.Column("recorded", sa.Float(), nullable=False, index=True),
        sa.Column("seq", number, nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
    )


def _owner(name: str, kind: "sa.String", other: str) -> "sa.Column[str]":
    return sa.Column(
        name, kind, sa.ForeignKey(other, ondelete="CASCADE"), nullable=False, index=True
    )
