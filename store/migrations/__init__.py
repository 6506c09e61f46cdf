"""How the schema came to be: one revision a change, run by ``store.migrate``."""
