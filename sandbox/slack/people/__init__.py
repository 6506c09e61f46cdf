"""People using the simulated Slack: what they click, type and submit."""
