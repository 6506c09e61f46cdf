"""The revisions, oldest first by number. Each says whether it is safe before or after the new code runs."""
