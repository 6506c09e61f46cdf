"""The outside world: Nomad, Slack, the catalog's files and the clock, each behind a Protocol of ``bot.ports``."""
