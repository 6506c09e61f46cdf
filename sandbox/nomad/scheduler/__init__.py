"""The scheduler: compares a job with its allocations, finds nodes for new ones, and computes dry runs for plans."""
