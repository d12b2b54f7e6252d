"""Accounts of people who log in by a provider of OpenID Connect."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Apply the migration."""
    op.add_column("users", sa.Column("issuer", sa.String(500)))
    op.add_column("users", sa.Column("subject", sa.String(255)))
    op.create_index("uq_users_issuer_subject", "users", ["issuer", "subject"], unique=True)
