"""Rollbacks: back to what ran before."""
