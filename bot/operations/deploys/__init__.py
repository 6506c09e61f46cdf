"""A deploy from its request to the people who decide about it: one act a file, one way to move it."""
