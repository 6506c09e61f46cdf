"""Audit events: their types, their sentences, and a deploy's history as they tell it."""
