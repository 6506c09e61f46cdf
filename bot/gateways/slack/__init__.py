"""Slack's Web API: what we say (``chat``), who people are (``directory``), and the manifest that grants it."""
