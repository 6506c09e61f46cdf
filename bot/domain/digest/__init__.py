"""The daily digest: its schedule, its content, its CSV."""
