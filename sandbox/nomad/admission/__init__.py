"""Checks a job before Nomad accepts it: implied constraints, errors and warnings."""
