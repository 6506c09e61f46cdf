"""The daily digest's message."""
