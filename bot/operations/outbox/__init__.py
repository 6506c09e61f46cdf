"""What is said in Slack: messages from the outbox to their channels, threads and people."""
