"""SQL for deploys and for their approvals, plans, rollouts, claims, locks and Slack requests."""
