"""HTTP endpoints for anyone but Slack."""
