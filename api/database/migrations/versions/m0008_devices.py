"""Known devices, second factors, tokens of programs, and what an owner sees of his logins."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Apply the migration."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("users", sa.Column("totp_secret", sa.String(64)))
    op.add_column("users", sa.Column("totp_offered", sa.String(64)))
    op.add_column("users", sa.Column("totp_step", number, nullable=False, server_default="0"))
    op.add_column("logins", sa.Column("used", sa.Float()))
    op.add_column("logins", sa.Column("address", sa.String(64), nullable=False, server_default=""))
    op.add_column("logins", sa.Column("agent", sa.String(200), nullable=False, server_default=""))
    op.create_table(
        "devices",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        _owner(index=True),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
    )
    op.create_table(
        "recovery_codes", sa.Column("hash", sa.String(64), primary_key=True), _owner(index=True)
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        _owner(),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("pages", sa.JSON()),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float()),
        sa.Column("used", sa.Float()),
        sa.UniqueConstraint("user_id", "name"),
    )


def _owner(index: bool = False) -> "sa.Column[str]":
    return sa.Column(
        "user_id",
        sa.String(36),
        sa.ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
        index=index,
    )
