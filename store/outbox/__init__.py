"""SQL for the outbox: messages that wait to be sent to Slack, and which worker is sending them."""
