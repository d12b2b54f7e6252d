"""The camera of an acknowledged event, by which others may or may not know of it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Apply the migration."""
    op.add_column("acknowledgements", sa.Column("camera", sa.String(200)))
