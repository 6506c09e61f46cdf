"""Runs the revisions on the connection that ``store.migrate`` opened; Alembic loads this file itself."""

from __future__ import annotations

from alembic import context

from store.tables import Row

connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("The schema is migrated by `nomatron migrate`, not by the alembic command.")

context.configure(connection=connection, target_metadata=Row.metadata, render_as_batch=True)
context.run_migrations()
