"""Rows of what is to be said in Slack, and who is sending it."""
