"""The catalog: services, environments, releases, digests, and the names that no service may have."""
