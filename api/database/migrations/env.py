"""Apply the migrations on the connection that `api.database.upgrade` has opened."""

from alembic import context

from api.database.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
