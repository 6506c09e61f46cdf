"""Block Kit from records: pure, a file a surface, golden-tested. ``text`` is the one place that escapes."""
