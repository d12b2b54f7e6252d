"""Cameras have zones and lines, which people draw on their pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply the migration."""
    op.add_column("cameras", sa.Column("zones", sa.JSON()))
    op.add_column("cameras", sa.Column("lines", sa.JSON()))
