"""Locks that people place and lift."""
