"""Cameras belong to pages, and so does what is acknowledged; a second address for what is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Apply the migration."""
    op.add_column("cameras", sa.Column("page", sa.String(64)))
    op.add_column("cameras", sa.Column("record_url", sa.String(500)))
    op.add_column("acknowledgements", sa.Column("page", sa.String(200)))
    op.add_column("acknowledgements", sa.Column("subject", sa.String(200)))
    op.create_table(
        "seen_cameras",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("page", sa.String(200), nullable=False),
        sa.Column("time", sa.Float(), nullable=False),
    )
