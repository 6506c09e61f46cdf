"""Block Kit as Slack checks it: tables of limits and shapes, and a walk that reports every breach."""
