"""Alembic's environment: runs the pending revisions on the connection that `runner` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transaction_per_migration=True,
    version_table="alembic_version",
)
with context.begin_transaction():
    context.run_migrations()
