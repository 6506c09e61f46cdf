"""Differences between two jobs, and their effect on allocations."""
