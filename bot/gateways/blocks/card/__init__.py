"""A deploy's one message."""
