"""The way in from Slack: a guard in front of Bolt, a grammar, and one operation for each command, click and modal."""
