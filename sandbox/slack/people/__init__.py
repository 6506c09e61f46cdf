"""People in the simulated Slack: their clicks, commands and submissions."""
