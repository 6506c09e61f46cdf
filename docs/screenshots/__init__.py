"""Pictures for the documentation, made from real runs of the sandbox."""
