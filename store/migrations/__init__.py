"""The revisions of the schema, one for each change; ``store.migrate`` runs them."""
