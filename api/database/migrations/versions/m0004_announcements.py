"""What an api announces for the clients of others."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Apply the migration."""
    op.add_column("revision", sa.Column("announced", _number, nullable=False, server_default="0"))
    op.create_table(
        "announcements",
        sa.Column("number", _number, primary_key=True, autoincrement=False),
        sa.Column("api", sa.String(32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("page", sa.String(64)),
        sa.Column("data", sa.Text(), nullable=False),
    )
