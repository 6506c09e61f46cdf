"""SQL for the audit log and the daily digests."""
