"""The catalog: services, environments, releases, digests, and the words that they may not be named by."""
