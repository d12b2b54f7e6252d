"""Accounts that must change their password; those that were there before need not."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Apply the migration."""
    op.add_column(
        "users", sa.Column("must_change", sa.Boolean(), nullable=False, server_default=sa.false())
    )
