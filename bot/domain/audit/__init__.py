"""Audit events: their types, their sentences, and a deploy's history computed from them."""
